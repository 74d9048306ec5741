//! Every upper bound on what a stranger can make this program read, keep or compute, with where each number comes from.

/// Largest integer a receipt may hold: 2^53 - 1, the largest that every JSON reader keeps exactly (RFC 7493,
/// section 2.2).
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Nesting of arrays and objects in any JSON that we read. Our deepest format is a delegation chain of
/// [`MAX_DELEGATION_DEPTH`] objects inside a payload; 32 leaves room for `ext`, and bounds the stack.
pub const MAX_JSON_DEPTH: usize = 32;

/// A decision receipt's compact form. Two of them with the nonce still fit the 8 KiB of request headers that nginx
/// takes by default, beside the caller's own headers.
pub const MAX_DECISION_BYTES: usize = 4096;

/// Every other receipt kind. An acknowledgement travels in a response header, and default nginx turns about 4,000
/// bytes of response headers into a 502: 2 KiB leaves room for ours and for the agent's.
pub const MAX_ANSWER_BYTES: usize = 2048;

/// All `Countersign-*` headers of one response together, names and separators included.
pub const MAX_RESPONSE_HEADER_BYTES: usize = 3072;

/// A key set's compact form: 64 keys of at most 400 bytes each in base64url, doubled.
pub const MAX_KEY_SET_BYTES: usize = 65_536;

/// Keys in one key set: four uses, each rotated monthly for over a year.
pub const MAX_KEYS: usize = 64;

/// Places of a key set that rotations leave free, because entries are never dropped and the revocation of an active key
/// needs one for its replacement: each of the four uses can be stolen twice after the last rotation.
pub const MIN_FREE_KEYS: usize = 8;

/// Seconds between `iat` and `exp` of a decision: "valid for minutes".
pub const MAX_DECISION_LIFETIME_S: u64 = 600;

/// Seconds by which an operator may let clocks differ: what a machine loses whose time service failed for days. Every
/// second of it lets receipts live longer than their issuer said.
pub const MAX_SKEW_S: u64 = 60;

/// Seconds between `iat` and `include_by`. A node logs within the minute; a day covers one that waits for its database
/// to come back. A promise of longer could hardly be broken, since whoever holds the receipt must wait for its end.
pub const MAX_INCLUDE_WITHIN_S: u64 = 86_400;

/// Nesting of `act` (RFC 8693, section 4.1): more hops than any delegation that a person could still follow.
pub const MAX_DELEGATION_DEPTH: usize = 8;

/// Characters of a name inside a receipt (subject, action, resource). With every bounded member at its
/// bound a decision would exceed [`MAX_DECISION_BYTES`], so the total decides; this bounds the single field.
pub const MAX_NAME_CHARS: usize = 256;

/// Characters of a reason code, an obligation code or a role.
pub const MAX_CODE_CHARS: usize = 64;

/// Reasons in one receipt.
pub const MAX_REASONS: usize = 16;

/// Policy ids in one receipt.
pub const MAX_POLICIES: usize = 32;

/// Obligations in one receipt.
pub const MAX_OBLIGATIONS: usize = 8;

/// Commitments to parents in one receipt.
pub const MAX_PARENTS: usize = 16;

/// Selective-disclosure digests in one receipt.
pub const MAX_SD_DIGESTS: usize = 32;

/// Bytes of an origin or of a key name in a note: the one-byte length field that later C2SP cosignature formats use.
pub const MAX_KEY_NAME_BYTES: usize = 255;

/// Signature lines of one note. The signed-note specification asks for at least 16; the Go implementation stops at 100.
pub const MAX_NOTE_SIGNATURES: usize = 100;

/// Bytes of one note: three short text lines and [`MAX_NOTE_SIGNATURES`] lines of a long name and an ML-DSA-44
/// cosignature would be larger, but such notes do not exist yet; 64 KiB holds a hundred Ed25519 lines with names
/// of 255 bytes.
pub const MAX_NOTE_BYTES: usize = 65_536;

/// Hashes of one inclusion or consistency proof: a tree of 2^63 leaves needs 63 (tlog-witness allows 63 as well).
pub const MAX_PROOF_HASHES: usize = 63;

/// Bytes of a tlog-proof file, line by line: the header, `extra` with [`MAX_PROOF_EXTRA_BYTES`] in base64, `index` with
/// sixteen digits, [`MAX_PROOF_HASHES`] hashes, an empty line, and a note.
pub const MAX_PROOF_BYTES: usize =
    23 + 7 + MAX_PROOF_EXTRA_BYTES / 3 * 4 + 23 + MAX_PROOF_HASHES * 45 + 1 + MAX_NOTE_BYTES;

/// Leaves of one full tile, and hashes of one full tile of any level (tlog-tiles: 2^8).
pub const TILE_WIDTH: usize = 256;

/// Bytes of an evidence bundle that the verifier reads: about 2,000 receipts with their proofs.
pub const MAX_BUNDLE_BYTES: usize = 32 * 1024 * 1024;

/// Items (receipts) of one evidence bundle.
pub const MAX_BUNDLE_ITEMS: usize = 10_000;

/// Bytes of JSON that `canonicalize` reads.
pub const MAX_CANONICALIZE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of a request body that the gateway buffers to judge and bind it. A2A messages carry text and small files; what
/// is larger belongs behind a link. Two hundred of them at once still fit a small machine.
pub const MAX_CALL_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of an agent card: the largest published ones, with hundreds of skills, stay below 256 KiB.
pub const MAX_CARD_BYTES: usize = 1024 * 1024;

/// Lift rules of one route.
pub const MAX_LIFT_RULES: usize = 32;

/// Bytes of an AuthZEN request.
pub const MAX_EVALUATION_BYTES: usize = 1024 * 1024;

/// Items of one AuthZEN `evaluations` request: each becomes a signed, stored receipt.
pub const MAX_EVALUATIONS: usize = 100;

/// Leaves of one log. Sizes and indices stand in receipts as JSON integers, so the tree ends where those end; a log
/// that grew by a million leaves a second would need 285 years.
pub const MAX_TREE_SIZE: u64 = MAX_SAFE_INTEGER;

/// Bytes of the `extra` line of a tlog-proof file, decoded. Nobody signs it and we write none: 8,000 characters of
/// base64 for whatever others put there.
pub const MAX_PROOF_EXTRA_BYTES: usize = 6000;

/// Bytes of a quorum file (tlog-policy): [`MAX_QUORUM_LINES`] lines of each kind with names and URLs of 255 bytes.
pub const MAX_QUORUM_BYTES: usize = 262_144;

/// Logs, witnesses and groups of one quorum file, each. tlog-policy asks for at least 32.
pub const MAX_QUORUM_LINES: usize = 64;

/// Bytes of a discovery document: a key set, [`MAX_ROUTES`] routes of 400 bytes, and the rest, rounded up to twice the
/// key set.
pub const MAX_DISCOVERY_BYTES: usize = 2 * MAX_KEY_SET_BYTES;

/// Inbound routes that a discovery document lists: what fits beside a key set of the largest size.
pub const MAX_ROUTES: usize = 128;

/// Entries of each list of versions in a discovery document: several versions of every kind.
pub const MAX_SUPPORTED: usize = 32;

/// Bytes of one endpoint URL: the longest host name and a path as long again.
pub const MAX_ENDPOINT_BYTES: usize = 512;

/// Bytes of the answer to a pull: two receipts of [`MAX_ANSWER_BYTES`] in JSON, doubled.
pub const MAX_EVIDENCE_BYTES: usize = 4 * MAX_ANSWER_BYTES;

/// Bytes of a `Signature-Input` or `Signature` header of a pull: ours have about 220.
pub const MAX_SIGNATURE_FIELD_BYTES: usize = 512;

/// Seconds by which `created` of a signed pull may lie before or after the receiver's time.
pub const MAX_PULL_AGE_S: u64 = 60;

/// Nonces of pulls that are remembered at a time. Only a peer's own signature puts one there, for at most two minutes:
/// at this bound peers pull five hundred times a second, and the memory takes some 8 MiB.
pub const MAX_PULL_NONCES: usize = 65_536;

/// The share of one peer in them: sixty pulls a second, and seven more peers can do the same.
pub const MAX_PEER_PULL_NONCES: usize = MAX_PULL_NONCES / 8;

/// Characters of a policy id: a line of a report, and [`MAX_POLICIES`] of them fit a decision only if they are short.
pub const MAX_POLICY_ID_CHARS: usize = 128;

/// Files of one policy folder: ten times what a large operator's repository has.
pub const MAX_POLICY_FILES: usize = 256;

/// Bytes of a path inside a policy folder (POSIX `NAME_MAX`).
pub const MAX_POLICY_PATH_BYTES: usize = 255;

/// Bytes of a policy folder, all files together: [`MAX_POLICY_RULES`] rules of 1 KiB, and as much again for schema
/// and entities.
pub const MAX_POLICY_SOURCE_BYTES: usize = 4 * 1024 * 1024;

/// Rules of one policy set. Evaluation is linear, about one microsecond a rule, twice where a person's approval is
/// asked for: 2,048 rules stay under 5 ms.
pub const MAX_POLICY_RULES: usize = 2048;

/// Characters of a rule's `@reason`: two lines of a report.
pub const MAX_POLICY_REASON_CHARS: usize = 512;

/// Characters of one message about a decision that failed to evaluate. The engine quotes whole facts in some.
pub const MAX_POLICY_MESSAGE_CHARS: usize = 1024;

/// Bytes of a trust file: a thousand operators with origins of 255 bytes, and as much again for comments.
pub const MAX_TRUST_BYTES: usize = 1024 * 1024;

/// Key sets of one evidence bundle: the operators of a long chain of calls, each with years of monthly rotation. Every
/// one costs a signature check before anything else is judged.
pub const MAX_BUNDLE_KEY_SETS: usize = 256;

/// Characters of the method and of the target URI that a bundle discloses: what common servers take as a request line.
pub const MAX_DISCLOSED_TARGET_CHARS: usize = 8192;

/// Bytes of a full tile: [`TILE_WIDTH`] hashes.
pub const MAX_TILE_BYTES: usize = TILE_WIDTH * 32;

/// Seconds for which a peer's key set counts after it was last seen at its source: a revocation that the peer publishes
/// takes effect everywhere within the hour, and a peer whose node is down for a short while is not refused.
pub const MAX_KEY_SET_AGE_S: u64 = 3600;
