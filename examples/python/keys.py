"""Ed25519 as the pages of spec/ ask for it (RCPT-37), and the names of keys."""
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from strict import b64, sha

P, D = 2**255 - 19, -121665 * pow(121666, -1, 2**255 - 19)


def small_order(key):
    """8 times the point is the neutral element (RFC 8032 point doubling in affine coordinates). None: no point (RCPT-37)."""
    y = int.from_bytes(key, "little") & (2**255 - 1)
    if len(key) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    for _ in range(3):
        t = D * x * x * y * y
        x, y = 2 * x * y * pow(1 + t, -1, P) % P, (y * y + x * x) * pow(1 - t, -1, P) % P
    return (x, y) == (0, 1)


def verifies(key, message, signature):
    """RCPT-37. The library checks S and uses the equation without cofactor."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return small_order(key) is False and small_order(signature[:32]) is False
    except (InvalidSignature, ValueError):
        return False


def thumbprint(x):
    return b64(sha(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % x.encode()))
