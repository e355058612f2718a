//! Topic names of one installation.

use contracts::topics::Topic;

/// The topics of one installation: the shop's own names, behind a prefix where several share a broker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topics {
    prefix: String,
}

impl Topics {
    /// Names with `prefix` in front, as it is; empty for none.
    pub fn with_prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The topic's name on the broker.
    pub fn name(&self, topic: Topic) -> String {
        format!("{}{}", self.prefix, topic.name())
    }

    /// The name, on the broker, of the topic that takes what can't be processed from `topic`.
    pub fn dead_letter_name(&self, topic: Topic) -> String {
        format!("{}{}", self.prefix, topic.dead_letter_name())
    }

    /// A consumer group's name on the broker.
    pub fn group(&self, group: &str) -> String {
        format!("{}{group}", self.prefix)
    }

    /// Which topic a name on the broker is; `None` for a name that is none of ours.
    pub fn parse(&self, name: &str) -> Option<Topic> {
        let own = name.strip_prefix(&self.prefix)?;
        Topic::ALL.into_iter().find(|topic| topic.name() == own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_as_its_topic() {
        let topics = Topics::with_prefix("t1-");
        for topic in Topic::ALL {
            assert_eq!(topics.parse(&topics.name(topic)), Some(topic));
            assert_eq!(topics.parse(&topics.dead_letter_name(topic)), None);
        }
        assert_eq!(topics.parse("orders.v1"), None);
    }
}
