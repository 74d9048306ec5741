//! The promises of [`Store`](super::Store), as tests that any implementation runs: [`suite`] makes one test of each.

use async_trait::async_trait;

use super::{Admission, Identity, NewReceipt, Opening, Position, ReplayClaim, SessionClaim, Store};
use crate::ground::crypto::hash::Digest;
use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};

pub(super) mod commit;
pub(super) mod directory;
pub(super) mod lookup;
pub(super) mod replay;
pub(super) mod search;
pub(super) mod sequence;
pub(super) mod work;

/// One database, empty at first, with [`identity`] as its operator.
#[async_trait]
pub(super) trait Database: Send + Sync {
    /// Opens it once more, as another process does.
    async fn open(&self) -> Box<dyn Store>;
}

/// Makes a test of each promise, against the database that the async function `$new` makes.
macro_rules! suite {
    ($new:path) => {
        $crate::io::store::contract::suite! {
            $new;
            commit: [
                what_was_committed_is_there_after_reopening,
                own_digests_wait_for_an_index_and_received_ones_do_not,
                an_empty_batch_is_answered,
                an_item_that_falls_leaves_nothing_and_the_others_stay,
                a_receipt_id_is_used_once,
                a_receipt_id_is_used_once_within_a_batch,
                two_issuers_may_use_one_id,
                an_item_that_falls_does_not_take_its_ids,
                session_positions_follow_each_other,
                epochs_follow_each_other,
                a_large_batch_keeps_its_order,
                two_writers_do_not_both_take_a_position,
                a_call_has_one_outcome,
                a_call_has_one_outcome_within_a_batch,
                outcomes_come_in_the_order_asked,
            ];
            replay: [
                a_receipt_is_accepted_once,
                a_receipt_is_accepted_once_within_a_batch,
                two_writers_do_not_both_accept,
                what_expires_before_the_watermark_is_refused,
                a_purge_forgets_only_what_expired,
                a_purge_by_a_clock_that_is_ahead_refuses_no_more_than_it_forgot,
                a_large_purge_leaves_nothing_behind,
                the_watermark_stays_and_never_goes_back,
            ];
            sequence: [
                a_new_log_is_empty,
                a_step_moves_head_entries_and_tiles_together,
                a_step_from_another_head_is_not_taken,
                entries_that_do_not_fit_are_refused,
                a_tile_only_grows,
                of_two_sequencers_one_wins,
                the_oldest_waiting_receipt_tells_its_time,
                publications_only_go_forward,
                only_a_committed_head_is_published,
                tiles_come_in_the_order_asked,
                an_index_is_found_by_id_and_digest_together,
            ];
            lookup: [
                a_receipt_comes_back_as_it_went_in,
                a_receipt_is_found_by_digest_before_and_after_indexing,
                a_receipt_is_found_by_issuer_and_id,
                related_receipts_are_found_before_and_after_indexing,
                recent_receipts_come_in_the_order_of_commits,
                scans_go_on_where_they_stopped,
                blobs_are_kept_under_their_digest,
                a_sound_database_has_no_complaints,
            ];
            search: [
                only_indexed_receipts_are_found,
                each_condition_narrows_the_search,
                the_peer_is_the_other_operator,
                pages_follow_each_other_without_gap,
                indexing_twice_does_no_harm,
                the_index_leaves_out_no_receipt,
            ];
            directory: [
                a_peer_is_added_once,
                a_removed_peer_may_come_back_with_another_root,
                a_peer_changes_only_from_the_state_named,
                a_key_set_is_not_rolled_back,
                each_root_has_its_own_key_sets,
                the_latest_key_sets_begin_with_those_of_a_root,
                seeing_a_key_set_again_renews_its_time,
                a_token_is_found_by_its_hash_until_removed,
                token_names_and_hashes_are_taken_once,
            ];
            work: [
                due_work_is_taken_once_until_it_is_due_again,
                work_is_taken_oldest_first,
                work_that_a_clock_ahead_put_off_is_taken_after_what_is_due,
                no_operator_stands_in_anothers_way,
                of_two_workers_one_takes_a_piece,
                no_kind_of_work_stands_in_anothers_way,
                work_can_be_rescheduled_and_settled,
                an_item_that_falls_settles_nothing_and_notes_nothing,
                observations_are_found_newest_first,
            ];
        }
    };
    ($new:path; $($module:ident: [$($name:ident),* $(,)?];)*) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $name() {
                $crate::io::store::contract::$module::$name(&$new().await).await;
            })*
        })*
    };
}
pub(super) use suite;

pub(super) const START_S: u64 = 1_790_000_000;

pub(super) fn time(seconds: u64) -> Timestamp {
    Timestamp::EPOCH.plus(START_S + seconds)
}

pub(super) fn us() -> Issuer {
    "https://us.example".parse().unwrap()
}

pub(super) fn them() -> Issuer {
    "https://them.example".parse().unwrap()
}

pub(super) fn identity() -> Identity {
    Identity { issuer: us(), origin: "us.example/log".to_owned() }
}

pub(super) fn id(n: u64) -> ReceiptId {
    ReceiptId::from_parts(START_S * 1000 + n, [7; 10])
}

fn receipt(n: u64, iss: Issuer, aud: Issuer) -> NewReceipt {
    let compact = format!("header.{n}-of-{iss}.signature");
    NewReceipt {
        jti: id(n),
        digest: Digest::of(compact.as_bytes()),
        kind: Kind::Decision,
        iss,
        aud,
        iat: time(n),
        compact,
        relates_to: None,
        opening: None,
        include_by: None,
    }
}

/// Number `n` of our receipts, issued at `time(n)` and for the other operator.
pub(super) fn own(n: u64) -> NewReceipt {
    let opening = Some(Opening(vec![1, 2, 3]));
    NewReceipt { opening, include_by: Some(time(n + 60)), ..receipt(n, us(), them()) }
}

/// Number `n` of the receipts of the other operator.
pub(super) fn received(n: u64) -> NewReceipt {
    receipt(n, them(), us())
}

pub(super) fn item(receipt: NewReceipt) -> Admission {
    Admission { receipts: vec![receipt], ..Admission::default() }
}

pub(super) fn accept(n: u64) -> Admission {
    let receipt = received(n);
    let claim =
        ReplayClaim { iss: receipt.iss.clone(), jti: receipt.jti, digest: receipt.digest, expires: time(n + 300) };
    Admission { replay: Some(claim), ..item(receipt) }
}

pub(super) fn in_session(n: u64, session: &str, seq: u64) -> Admission {
    Admission { session: Some(SessionClaim { id: session.to_owned(), seq }), ..item(own(n)) }
}

/// Commits receipts that must stand.
pub(super) async fn keep(store: &dyn Store, receipts: Vec<NewReceipt>) {
    let batch: Vec<_> = receipts.into_iter().map(item).collect();
    let answers = store.commit(time(0), &batch).await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

/// Takes everything that waits into the index, with rows that say nothing.
pub(super) async fn index_all(store: &dyn Store) {
    let rows: Vec<_> =
        store.unindexed(1000).await.unwrap().iter().map(|receipt| super::SearchRow::bare(receipt.position)).collect();
    store.index(&rows).await.unwrap();
}

pub(super) async fn stored_ids(store: &dyn Store) -> Vec<ReceiptId> {
    store.scan_receipts(Position::START, 1000).await.unwrap().into_iter().map(|receipt| receipt.jti).collect()
}
