//! Whether a policy's scope fits a request; if not, in words.

use cedar_policy::{ActionConstraint, EntityTypeName, EntityUid, PrincipalConstraint, ResourceConstraint};

use crate::ground::policy::facts::Call;

/// What one scope constraint asks for.
enum Wanted<'a> {
    Anything,
    Exactly(&'a EntityUid),
    Within(&'a EntityUid),
    Kind(&'a EntityTypeName),
    KindWithin(&'a EntityTypeName, &'a EntityUid),
}

pub(super) fn principal(call: &Call<'_>, constraint: &PrincipalConstraint) -> Option<String> {
    let wanted = match constraint {
        PrincipalConstraint::Any => Wanted::Anything,
        PrincipalConstraint::Eq(uid) => Wanted::Exactly(uid),
        PrincipalConstraint::In(uid) => Wanted::Within(uid),
        PrincipalConstraint::Is(kind) => Wanted::Kind(kind),
        PrincipalConstraint::IsIn(kind, uid) => Wanted::KindWithin(kind, uid),
    };
    misfit(call, &call.principal, "principal", &wanted)
}

pub(super) fn resource(call: &Call<'_>, constraint: &ResourceConstraint) -> Option<String> {
    let wanted = match constraint {
        ResourceConstraint::Any => Wanted::Anything,
        ResourceConstraint::Eq(uid) => Wanted::Exactly(uid),
        ResourceConstraint::In(uid) => Wanted::Within(uid),
        ResourceConstraint::Is(kind) => Wanted::Kind(kind),
        ResourceConstraint::IsIn(kind, uid) => Wanted::KindWithin(kind, uid),
    };
    misfit(call, &call.resource, "resource", &wanted)
}

pub(super) fn action(call: &Call<'_>, constraint: &ActionConstraint) -> Option<String> {
    match constraint {
        ActionConstraint::Any => None,
        ActionConstraint::Eq(uid) => misfit(call, &call.action, "action", &Wanted::Exactly(uid)),
        ActionConstraint::In(uids) if uids.iter().any(|uid| is_within(call, &call.action, uid)) => None,
        ActionConstraint::In(uids) => {
            let names: Vec<String> = uids.iter().map(|uid| format!("`{uid}`")).collect();
            Some(format!("it is for an action in {}, and this is `{}`", names.join(" or "), call.action))
        }
    }
}

fn misfit(call: &Call<'_>, found: &EntityUid, what: &str, wanted: &Wanted<'_>) -> Option<String> {
    let is_kind = |kind: &EntityTypeName| found.type_name() == kind;
    let (fits, wish) = match wanted {
        Wanted::Anything => return None,
        Wanted::Exactly(uid) => (found == *uid, format!("the {what} `{uid}`")),
        Wanted::Within(uid) => (is_within(call, found, uid), format!("a {what} in `{uid}`")),
        Wanted::Kind(kind) => (is_kind(kind), format!("a {what} of type `{kind}`")),
        Wanted::KindWithin(kind, uid) => {
            (is_kind(kind) && is_within(call, found, uid), format!("a {what} of type `{kind}` in `{uid}`"))
        }
    };
    (!fits).then(|| format!("it is for {wish}, and this is `{found}`"))
}

/// Cedar's `in`: the entity itself, or one of its ancestors.
fn is_within(call: &Call<'_>, entity: &EntityUid, group: &EntityUid) -> bool {
    entity == group || call.entities.is_ancestor_of(group, entity)
}
