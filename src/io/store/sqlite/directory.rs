//! Peers, key sets and tokens.

use sqlx::SqliteConnection;

use super::SqliteStore;
use super::fault::{fault, is_taken};
use super::rows::{number, read_digest, read_issuer, read_number, read_time, time};
use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, Timestamp};
use crate::io::store::{KeySetVersion, Peer, PeerChange, PeerState, PutKeySet, PutPeer, PutToken, StoreError, Token};

type PeerColumns = (String, Vec<u8>, String, i64, i64);

fn read_peer((issuer, fingerprint, state, added, changed): PeerColumns) -> Result<Peer, StoreError> {
    Ok(Peer {
        issuer: read_issuer(&issuer)?,
        fingerprint: read_digest(&fingerprint)?,
        state: read_state(&state)?,
        added: read_time(added)?,
        changed: read_time(changed)?,
    })
}

fn read_state(text: &str) -> Result<PeerState, StoreError> {
    let state = PeerState::ALL.into_iter().find(|state| state.as_str() == text);
    state.ok_or_else(|| StoreError::corrupt(format!("a peer in the state `{text}`")))
}

async fn find_peer(connection: &mut SqliteConnection, issuer: &Issuer) -> Result<Option<Peer>, StoreError> {
    let row = sqlx::query_as("SELECT issuer, fingerprint, state, added, changed FROM peer WHERE issuer = ?")
        .bind(issuer.as_str())
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    row.map(read_peer).transpose()
}

pub(super) async fn put_peer(store: &SqliteStore, peer: &Peer) -> Result<PutPeer, StoreError> {
    let mut tx = store.write().await?;
    match find_peer(&mut tx, &peer.issuer).await? {
        Some(known) if known.state != PeerState::Removed => return Ok(PutPeer::Exists { peer: known }),
        Some(_) | None => {}
    }
    sqlx::query("INSERT OR REPLACE INTO peer (issuer, fingerprint, state, added, changed) VALUES (?, ?, ?, ?, ?)")
        .bind(peer.issuer.as_str())
        .bind(peer.fingerprint.0.as_slice())
        .bind(peer.state.as_str())
        .bind(time(peer.added))
        .bind(time(peer.changed))
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    tx.commit().await.map_err(fault)?;
    Ok(PutPeer::Stored)
}

pub(super) async fn peer(store: &SqliteStore, issuer: &Issuer) -> Result<Option<Peer>, StoreError> {
    let mut connection = store.readers.acquire().await.map_err(fault)?;
    find_peer(&mut connection, issuer).await
}

pub(super) async fn peers(store: &SqliteStore) -> Result<Vec<Peer>, StoreError> {
    let rows: Vec<PeerColumns> =
        sqlx::query_as("SELECT issuer, fingerprint, state, added, changed FROM peer ORDER BY issuer")
            .fetch_all(&store.readers)
            .await
            .map_err(fault)?;
    rows.into_iter().map(read_peer).collect()
}

pub(super) async fn change_peer(
    store: &SqliteStore,
    issuer: &Issuer,
    from: PeerState,
    to: PeerState,
    at: Timestamp,
) -> Result<PeerChange, StoreError> {
    let mut tx = store.write().await?;
    let current = find_peer(&mut tx, issuer).await?.map(|peer| peer.state);
    if current != Some(from) {
        return Ok(PeerChange::Differs { current });
    }
    sqlx::query("UPDATE peer SET state = ?, changed = ? WHERE issuer = ?")
        .bind(to.as_str())
        .bind(time(at))
        .bind(issuer.as_str())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    tx.commit().await.map_err(fault)?;
    Ok(PeerChange::Changed)
}

type KeySetColumns = (String, Vec<u8>, i64, Vec<u8>, String, i64);

fn read_key_set(columns: KeySetColumns) -> Result<KeySetVersion, StoreError> {
    let (issuer, root, version, digest, compact, seen) = columns;
    Ok(KeySetVersion {
        issuer: read_issuer(&issuer)?,
        root: read_digest(&root)?,
        number: read_number(version)?,
        digest: read_digest(&digest)?,
        compact,
        seen: read_time(seen)?,
    })
}

async fn latest_key_set(
    connection: &mut SqliteConnection,
    issuer: &Issuer,
    root: &Digest,
) -> Result<Option<KeySetVersion>, StoreError> {
    let row = sqlx::query_as(
        "SELECT issuer, root, number, digest, compact, seen FROM key_set
         WHERE issuer = ? AND root = ? ORDER BY number DESC LIMIT 1",
    )
    .bind(issuer.as_str())
    .bind(root.0.as_slice())
    .fetch_optional(connection)
    .await
    .map_err(fault)?;
    row.map(read_key_set).transpose()
}

pub(super) async fn put_key_set(
    store: &SqliteStore,
    version: &KeySetVersion,
    previous: Option<&Digest>,
) -> Result<PutKeySet, StoreError> {
    let mut tx = store.write().await?;
    let outcome = match latest_key_set(&mut tx, &version.issuer, &version.root).await? {
        Some(latest) if latest.number == version.number && latest.digest == version.digest => {
            see_key_set(&mut tx, version).await?;
            PutKeySet::Known
        }
        Some(latest)
            if latest.number >= version.number
                || (latest.number + 1 == version.number && previous != Some(&latest.digest)) =>
        {
            return Ok(PutKeySet::RolledBack { number: latest.number, digest: latest.digest });
        }
        Some(_) | None => {
            insert_key_set(&mut tx, version).await?;
            PutKeySet::Stored
        }
    };
    tx.commit().await.map_err(fault)?;
    Ok(outcome)
}

async fn see_key_set(connection: &mut SqliteConnection, version: &KeySetVersion) -> Result<(), StoreError> {
    sqlx::query("UPDATE key_set SET seen = ? WHERE issuer = ? AND root = ? AND number = ?")
        .bind(time(version.seen))
        .bind(version.issuer.as_str())
        .bind(version.root.0.as_slice())
        .bind(number(version.number))
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

async fn insert_key_set(connection: &mut SqliteConnection, version: &KeySetVersion) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO key_set (issuer, root, number, digest, compact, seen) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(version.issuer.as_str())
        .bind(version.root.0.as_slice())
        .bind(number(version.number))
        .bind(version.digest.0.as_slice())
        .bind(&version.compact)
        .bind(time(version.seen))
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

pub(super) async fn key_set(
    store: &SqliteStore,
    issuer: &Issuer,
    root: &Digest,
) -> Result<Option<KeySetVersion>, StoreError> {
    let mut connection = store.readers.acquire().await.map_err(fault)?;
    latest_key_set(&mut connection, issuer, root).await
}

pub(super) async fn key_sets(store: &SqliteStore, issuer: &Issuer) -> Result<Vec<KeySetVersion>, StoreError> {
    let rows: Vec<KeySetColumns> = sqlx::query_as(
        "SELECT issuer, root, number, digest, compact, seen FROM key_set WHERE issuer = ? ORDER BY root, number",
    )
    .bind(issuer.as_str())
    .fetch_all(&store.readers)
    .await
    .map_err(fault)?;
    rows.into_iter().map(read_key_set).collect()
}

pub(super) async fn latest_key_sets(
    store: &SqliteStore,
    issuer: &Issuer,
    root: Option<&Digest>,
    limit: u32,
) -> Result<Vec<KeySetVersion>, StoreError> {
    let rows: Vec<KeySetColumns> = sqlx::query_as(
        "SELECT issuer, root, number, digest, compact, seen FROM key_set
         WHERE issuer = ? ORDER BY root = ? DESC, number DESC LIMIT ?",
    )
    .bind(issuer.as_str())
    .bind(root.map(|root| root.0.as_slice()))
    .bind(limit)
    .fetch_all(&store.readers)
    .await
    .map_err(fault)?;
    rows.into_iter().map(read_key_set).collect()
}

type TokenColumns = (String, String, Vec<u8>, i64);

fn read_token((name, role, hash, created): TokenColumns) -> Result<Token, StoreError> {
    Ok(Token { name, role, hash: read_digest(&hash)?, created: read_time(created)? })
}

pub(super) async fn put_token(store: &SqliteStore, token: &Token) -> Result<PutToken, StoreError> {
    let inserted = sqlx::query("INSERT INTO token (name, role, hash, created) VALUES (?, ?, ?, ?)")
        .bind(&token.name)
        .bind(&token.role)
        .bind(token.hash.0.as_slice())
        .bind(time(token.created))
        .execute(&store.writer)
        .await;
    match inserted {
        Ok(_) => Ok(PutToken::Stored),
        Err(error) if is_taken(&error) => Ok(PutToken::Taken),
        Err(error) => Err(fault(error)),
    }
}

pub(super) async fn token(store: &SqliteStore, hash: &Digest) -> Result<Option<Token>, StoreError> {
    let row = sqlx::query_as("SELECT name, role, hash, created FROM token WHERE hash = ?")
        .bind(hash.0.as_slice())
        .fetch_optional(&store.readers)
        .await
        .map_err(fault)?;
    row.map(read_token).transpose()
}

pub(super) async fn tokens(store: &SqliteStore) -> Result<Vec<Token>, StoreError> {
    let rows: Vec<TokenColumns> = sqlx::query_as("SELECT name, role, hash, created FROM token ORDER BY name")
        .fetch_all(&store.readers)
        .await
        .map_err(fault)?;
    rows.into_iter().map(read_token).collect()
}

pub(super) async fn remove_token(store: &SqliteStore, name: &str) -> Result<bool, StoreError> {
    let removed =
        sqlx::query("DELETE FROM token WHERE name = ?").bind(name).execute(&store.writer).await.map_err(fault)?;
    Ok(removed.rows_affected() > 0)
}
