//! Follow-ups and observations.

use super::{Database, item, own, them, time, us};
use crate::ground::crypto::hash::Digest;
use crate::ground::name::Issuer;
use crate::io::store::{
    Admission, Followup, Line, NewFollowup, NewObservation, ObservationQuery, Rescheduled, Store, WorkTerms,
};

fn followup(n: u64, due: u64) -> NewFollowup {
    NewFollowup { due: time(due), kind: "fetch_outcome".parse().unwrap(), subject: own(n).digest, peer: them() }
}

/// A look that finds nothing later than an hour implausible.
pub(super) fn look(now: u64, again: u64) -> WorkTerms {
    WorkTerms { now: time(now), latest: time(now + 3600), again: time(again) }
}

fn subjects(taken: Vec<Followup>) -> Vec<Digest> {
    taken.into_iter().map(|work| work.subject).collect()
}

fn of(numbers: &[u64]) -> Vec<Digest> {
    numbers.iter().map(|n| own(*n).digest).collect()
}

async fn queue(store: &dyn Store, followups: Vec<NewFollowup>) {
    let item = Admission { followups, ..item(own(99)) };
    assert_eq!(store.commit(time(0), &[item]).await.unwrap(), [Ok(())]);
}

pub(in crate::io::store) async fn due_work_is_taken_once_until_it_is_due_again(database: &dyn Database) {
    let (first, second) = (database.open().await, database.open().await);
    queue(&*first, vec![followup(1, 10)]).await;
    assert_eq!(first.take_followups(look(9, 30), 10, &[]).await.unwrap(), []);
    let taken = first.take_followups(look(10, 30), 10, &[]).await.unwrap();
    let [work] = taken.as_slice() else { panic!("{taken:?}") };
    assert_eq!((work.due, work.attempts, work.subject), (time(30), 1, own(1).digest));
    assert_eq!((work.kind.as_str(), &work.peer), ("fetch_outcome", &them()));
    // The first worker dies; the second takes over when the work is due again, and not before.
    drop(first);
    assert_eq!(second.take_followups(look(29, 50), 10, &[]).await.unwrap(), []);
    let again = second.take_followups(look(30, 50), 10, &[]).await.unwrap();
    assert_eq!((again[0].id, again[0].attempts), (work.id, 2));
}

pub(in crate::io::store) async fn work_is_taken_oldest_first(database: &dyn Database) {
    let store = database.open().await;
    queue(&*store, vec![followup(1, 30), followup(2, 10), followup(3, 20)]).await;
    let taken = store.take_followups(look(99, 200), 2, &[]).await.unwrap();
    let subjects: Vec<_> = taken.iter().map(|work| work.subject).collect();
    assert_eq!(subjects, [own(2).digest, own(3).digest]);
}

pub(in crate::io::store) async fn work_that_a_clock_ahead_put_off_is_taken_after_what_is_due(database: &dyn Database) {
    let store = database.open().await;
    queue(&*store, vec![followup(1, 200_000_000), followup(2, 3610), followup(3, 3611), followup(4, 10)]).await;
    for (limit, expected) in [(1, vec![4, 3]), (9, vec![1]), (9, vec![])] {
        let taken = store.take_followups(look(10, 30), limit, &[]).await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(|n| own(n).digest).collect();
        assert_eq!(taken.iter().map(|work| work.subject).collect::<Vec<_>>(), expected);
    }
}

pub(in crate::io::store) async fn no_operator_stands_in_anothers_way(database: &dyn Database) {
    let store = database.open().await;
    let third: Issuer = "https://third.example".parse().unwrap();
    let about = |peer: &Issuer, n, due| NewFollowup { peer: peer.clone(), ..followup(n, due) };
    let queued = vec![
        about(&them(), 1, 10),
        about(&them(), 2, 11),
        about(&us(), 3, 12),
        about(&them(), 4, 13),
        about(&us(), 5, 14),
        about(&third, 6, 90),
    ];
    queue(&*store, queued).await;
    let line = |peer| Line { peer, kind: followup(0, 0).kind };
    assert_eq!(subjects(store.take_followups(look(20, 50), 1, &[line(them())]).await.unwrap()), of(&[3]));
    assert_eq!(subjects(store.take_followups(look(20, 50), 2, &[]).await.unwrap()), of(&[1, 2, 5]));
    let all = [them(), us(), third].map(line);
    assert_eq!(subjects(store.take_followups(look(99, 200), 9, &all).await.unwrap()), of(&[]));
    assert_eq!(subjects(store.take_followups(look(20, 50), 2, &[]).await.unwrap()), of(&[4]));
}

pub(in crate::io::store) async fn no_kind_of_work_stands_in_anothers_way(database: &dyn Database) {
    let store = database.open().await;
    let kind = |kind: &str| kind.parse().unwrap();
    let one = |n, name, due| NewFollowup { kind: kind(name), ..followup(n, due) };
    queue(&*store, vec![one(1, "b", 10), one(2, "b", 11), one(3, "b", 12), one(4, "a", 13), one(5, "c", 14)]).await;
    let busy = [Line { peer: them(), kind: kind("a") }, Line { peer: us(), kind: kind("c") }];
    assert_eq!(subjects(store.take_followups(look(20, 50), 1, &busy).await.unwrap()), of(&[1, 5]));
    assert_eq!(subjects(store.take_followups(look(20, 50), 1, &[]).await.unwrap()), of(&[2, 4]));
}

pub(in crate::io::store) async fn of_two_workers_one_takes_a_piece(database: &dyn Database) {
    let (first, second) = (database.open().await, database.open().await);
    queue(&*first, (0..20).map(|n| followup(n, 10)).collect()).await;
    let (here, there) =
        tokio::join!(first.take_followups(look(10, 30), 99, &[]), second.take_followups(look(10, 30), 99, &[]));
    assert_eq!(here.unwrap().len() + there.unwrap().len(), 20);
}

pub(in crate::io::store) async fn work_can_be_rescheduled_and_settled(database: &dyn Database) {
    let store = database.open().await;
    queue(&*store, (1..=6).map(|n| followup(n, 10)).collect()).await;
    let taken = store.take_followups(look(10, 99), 10, &[]).await.unwrap();
    let [one, two, three, four, five, six] = taken.as_slice() else { panic!("{taken:?}") };
    let reschedule = |id, due| Rescheduled { id, due: time(due) };
    let settle = |settled| Admission { settled, ..Admission::default() };
    // What is settled stays so, whatever else is said of it.
    let rescheduled = vec![reschedule(one.id, 20), reschedule(four.id, 21), reschedule(two.id, 20)];
    let batch = [
        settle(vec![two.id, 12345]),
        Admission { rescheduled, ..settle(vec![three.id, two.id]) },
        Admission { rescheduled: vec![reschedule(12345, 20), reschedule(five.id, 22)], ..settle(Vec::new()) },
    ];
    assert_eq!(store.commit(time(10), &batch).await.unwrap(), [Ok(()), Ok(()), Ok(())]);
    let late = Admission { rescheduled: vec![reschedule(two.id, 20)], ..Admission::default() };
    assert_eq!(store.commit(time(11), &[late]).await.unwrap(), [Ok(())]);
    for (now, left) in [(19, vec![]), (20, vec![one.id]), (21, vec![four.id]), (98, vec![five.id]), (99, vec![six.id])]
    {
        let taken = store.take_followups(look(now, 1000), 10, &[]).await.unwrap();
        assert_eq!(taken.iter().map(|work| work.id).collect::<Vec<_>>(), left, "{now}");
    }
}

pub(in crate::io::store) async fn an_item_that_falls_settles_nothing_and_notes_nothing(database: &dyn Database) {
    let store = database.open().await;
    queue(&*store, vec![followup(1, 10)]).await;
    let taken = store.take_followups(look(10, 20), 10, &[]).await.unwrap();
    let observations = vec![observation(1, "slow_log", them())];
    let rescheduled = vec![Rescheduled { id: taken[0].id, due: time(15) }];
    let falls = Admission { observations, rescheduled, settled: vec![taken[0].id], ..item(own(99)) };
    assert!(store.commit(time(10), &[falls]).await.unwrap()[0].is_err());
    assert_eq!(store.take_followups(look(19, 30), 10, &[]).await.unwrap(), []);
    assert_eq!(store.take_followups(look(20, 30), 10, &[]).await.unwrap().len(), 1);
    assert_eq!(store.observations(&ObservationQuery::default(), 9).await.unwrap(), []);
}

fn observation(n: u64, kind: &str, peer: Issuer) -> NewObservation {
    let detail = format!(r#"{{"n":{n}}}"#);
    NewObservation { at: time(n), kind: kind.parse().unwrap(), peer, about: (n > 1).then(|| own(n).digest), detail }
}

pub(in crate::io::store) async fn observations_are_found_newest_first(database: &dyn Database) {
    let store = database.open().await;
    let all = [
        observation(1, "slow_log", them()),
        observation(2, "missing_answer", them()),
        observation(3, "slow_log", us()),
    ];
    let (first, rest) = all.split_at(1);
    let noticed =
        |observations: &[NewObservation]| Admission { observations: observations.into(), ..Admission::default() };
    store.commit(time(3), &[noticed(first), noticed(rest)]).await.unwrap();
    drop(store);
    let store = database.open().await;
    let found = store.observations(&ObservationQuery::default(), 2).await.unwrap();
    assert_eq!(found.iter().map(|row| row.observation.clone()).collect::<Vec<_>>(), [all[2].clone(), all[1].clone()]);
    let rest = ObservationQuery { before: Some(found[1].id), ..ObservationQuery::default() };
    assert_eq!(store.observations(&rest, 9).await.unwrap()[0].observation, all[0]);
    let queries = [
        (ObservationQuery { peer: Some(us()), ..ObservationQuery::default() }, 3),
        (ObservationQuery { kind: Some("missing_answer".parse().unwrap()), ..ObservationQuery::default() }, 2),
        (ObservationQuery { about: Some(own(2).digest), ..ObservationQuery::default() }, 2),
    ];
    for (query, at) in queries {
        let found = store.observations(&query, 9).await.unwrap();
        assert_eq!(found.iter().map(|row| row.observation.at).collect::<Vec<_>>(), [time(at)], "{query:?}");
    }
}
