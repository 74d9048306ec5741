//! Signatures that hold by some reading of Ed25519 and not by ours (RCPT-37), made with the private keys.

use countersign::ground::crypto::hash::encode_base64url;
use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha512};

/// The neutral element, a point of small order.
pub(crate) const IDENTITY: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
};

/// The other bytes of some readers for `y`, which is less than 19: those of 2^255 - 19 + y.
pub(crate) fn unreduced(y: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    (bytes[0], bytes[31]) = (0xed + y, 0x7f);
    bytes
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// S = r + k a, where r is the secret of `nonce` or nothing, and k the challenge of these R and A.
fn answer(r: &[u8; 32], nonce: Option<u8>, seed: u8, message: &[u8]) -> [u8; 64] {
    let public = key(seed).verifying_key().to_bytes();
    let challenge = Sha512::new().chain_update(r).chain_update(public).chain_update(message).finalize();
    let secret = key(seed).to_scalar();
    let mut product = secret;
    product -= secret;
    for bit in (0..512).rev() {
        product += product;
        if challenge[bit / 8] >> (bit % 8) & 1 == 1 {
            product += secret;
        }
    }
    let s = nonce.map_or(product, |nonce| product + key(nonce).to_scalar());
    [*r, s.to_bytes()].concat().try_into().unwrap()
}

/// R of small order: the equation holds all the same.
pub(crate) fn with_small_r(r: [u8; 32], seed: u8, message: &[u8]) -> [u8; 64] {
    answer(&r, None, seed, message)
}

/// R with a part of small order, which only the equation with the cofactor passes over: (x, y) + (0, -1) = (-x, -y).
pub(crate) fn with_mixed_r(seed: u8, message: &[u8]) -> [u8; 64] {
    let mut r = key(99).verifying_key().to_bytes();
    let sign = r[31] & 0x80;
    r[31] &= 0x7f;
    let mut borrow = 0_i16;
    for (byte, prime) in r.iter_mut().zip(unreduced(0)) {
        let difference = i16::from(prime) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    r[31] |= sign ^ 0x80;
    answer(&r, Some(99), seed, message)
}

/// The same signature with the order of the group added to S.
pub(crate) fn with_large_s(mut signature: [u8; 64]) -> [u8; 64] {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = ((sum & 0xff) as u8, sum >> 8);
    }
    signature
}

/// Holds under the neutral element as public key, for any message: S B = R.
pub(crate) fn under_identity() -> [u8; 64] {
    [key(99).verifying_key().to_bytes(), key(99).to_scalar().to_bytes()].concat().try_into().unwrap()
}

/// A compact JWS of these parts.
pub(crate) fn compact(signing_input: &str, signature: [u8; 64]) -> String {
    format!("{signing_input}.{}", encode_base64url(&signature))
}
