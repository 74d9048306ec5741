//! The closed set of actions that a call can be (spec rule CALL-06).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! actions {
    ($($variant:ident $name:literal $group:literal $current:expr, $former:expr;)*) => {
        /// What a call does. In JSON and in policies: its name, such as `a2a.send_message`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum CallAction {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl CallAction {
            /// Every action, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name: `action.name` of the question to the policy.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The group that policies may name instead.
            pub const fn group(self) -> &'static str {
                match self { $(Self::$variant => $group,)* }
            }

            /// The JSON-RPC method of A2A 1.0.
            pub const fn rpc_method(self) -> Option<&'static str> {
                match self { $(Self::$variant => $current,)* }
            }

            /// The JSON-RPC method of A2A 0.3.
            pub const fn former_rpc_method(self) -> Option<&'static str> {
                match self { $(Self::$variant => $former,)* }
            }
        }
    };
}

actions! {
    SendMessage "a2a.send_message" "a2a.write" Some("SendMessage"), Some("message/send");
    SendStreamingMessage "a2a.send_streaming_message" "a2a.write" Some("SendStreamingMessage"), Some("message/stream");
    GetTask "a2a.get_task" "a2a.read" Some("GetTask"), Some("tasks/get");
    ListTasks "a2a.list_tasks" "a2a.read" Some("ListTasks"), None;
    CancelTask "a2a.cancel_task" "a2a.write" Some("CancelTask"), Some("tasks/cancel");
    SubscribeToTask "a2a.subscribe_to_task" "a2a.read" Some("SubscribeToTask"), Some("tasks/resubscribe");
    CreatePushConfig "a2a.create_push_config" "a2a.write"
        Some("CreateTaskPushNotificationConfig"), Some("tasks/pushNotificationConfig/set");
    GetPushConfig "a2a.get_push_config" "a2a.read"
        Some("GetTaskPushNotificationConfig"), Some("tasks/pushNotificationConfig/get");
    ListPushConfigs "a2a.list_push_configs" "a2a.read"
        Some("ListTaskPushNotificationConfigs"), Some("tasks/pushNotificationConfig/list");
    DeletePushConfig "a2a.delete_push_config" "a2a.write"
        Some("DeleteTaskPushNotificationConfig"), Some("tasks/pushNotificationConfig/delete");
    GetExtendedAgentCard "a2a.get_extended_agent_card" "a2a.read"
        Some("GetExtendedAgentCard"), Some("agent/getAuthenticatedExtendedCard");
    GetAgentCard "a2a.get_agent_card" "a2a.read" None, None;
    HttpGet "http.get" "http.read" None, None;
    HttpHead "http.head" "http.read" None, None;
    HttpOptions "http.options" "http.read" None, None;
    HttpPost "http.post" "http.write" None, None;
    HttpPut "http.put" "http.write" None, None;
    HttpPatch "http.patch" "http.write" None, None;
    HttpDelete "http.delete" "http.write" None, None;
}

impl CallAction {
    /// Whether the answer is a stream of server-sent events.
    pub const fn is_streaming(self) -> bool {
        matches!(self, Self::SendStreamingMessage | Self::SubscribeToTask)
    }

    /// Whether the answer is an agent card, which the gateway rewrites.
    pub const fn answers_card(self) -> bool {
        matches!(self, Self::GetAgentCard | Self::GetExtendedAgentCard)
    }
}

/// Text that names no action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an action that a call can be")]
pub struct UnknownAction;

impl FromStr for CallAction {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL.iter().copied().find(|action| action.name() == text).ok_or(UnknownAction)
    }
}

impl fmt::Display for CallAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for CallAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for CallAction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom(format!("`{text}` is not an action that a call can be")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_actions_and_their_groups_are_those_of_the_page() {
        let page = include_str!("../../../spec/calls.md");
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().replace('`', "")).collect::<Vec<_>>();
        let mut stated = Vec::new();
        for row in page.lines().filter(|line| line.starts_with("| `a2a.") || line.starts_with("| `http.")).map(cells) {
            let [_, actions, group, methods, former, ..] = row.as_slice() else { panic!("{row:?}") };
            for action in actions.split(' ') {
                stated.push([action.to_owned(), group.clone(), methods.clone(), former.clone()]);
            }
        }
        let text = |method: Option<&str>| method.unwrap_or_default().to_owned();
        let ours = CallAction::ALL.iter().map(|action| {
            let [name, group] = [action.name(), action.group()].map(str::to_owned);
            [name, group, text(action.rpc_method()), text(action.former_rpc_method())]
        });
        let mut ours: Vec<_> = ours.collect();
        stated.sort();
        ours.sort();
        assert_eq!(ours, stated);
    }

    #[test]
    fn names_and_methods_are_unique_and_round_trip() {
        let mut methods = Vec::new();
        for action in CallAction::ALL.iter().copied() {
            assert_eq!(action.name().parse(), Ok(action));
            assert!(matches!(action.group(), "a2a.read" | "a2a.write" | "http.read" | "http.write"), "{action}");
            assert!(action.group().starts_with(action.name().split('.').next().unwrap()), "{action}");
            methods.extend(action.rpc_method());
            methods.extend(action.former_rpc_method());
        }
        let count = methods.len();
        methods.sort_unstable();
        methods.dedup();
        assert_eq!(methods.len(), count);
    }
}
