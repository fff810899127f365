//! Steps as they are typed: what is read can be written and read again, and errors lie in the text.

use crate::condition::SyntaxError;
use crate::definition::{FunnelTable, Steps};
use crate::funnel::steps::{EventPattern, StepSpec, display_steps, parse_steps};

/// A text of steps.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse_steps(text) {
        Ok(steps) => {
            assert!(steps.iter().all(|step| text.get(step.span.clone()).is_some()), "{text:?}: {steps:?}");
            let written = display_steps(&steps);
            let again =
                parse_steps(&written).unwrap_or_else(|error| panic!("{text:?}: {written:?}: {error}"));
            assert_eq!(without_places(again), without_places(steps), "{text:?}: {written:?}");
        }
        Err(error) => points_into(&error, text),
    }
    if let Err(error) = EventPattern::parse(text) {
        points_into(&error, text);
    }
    if let Ok(funnel) = FunnelTable::of_steps(Steps::Text(text.to_owned())).settle("f") {
        assert!(funnel.check().is_ok());
        assert!(funnel.step_count() <= funnel.event_specs().count());
        let no_event = funnel.roles(None, |_| true);
        assert!(no_event.steps.is_empty(), "a row without an event serves a step of {text:?}");
    }
}

fn without_places(mut steps: Vec<StepSpec>) -> Vec<StepSpec> {
    steps.iter_mut().for_each(|step| step.span = 0..0);
    steps
}

/// An error lies in the text, and what is shown of the text steers no terminal.
pub fn points_into(error: &SyntaxError, text: &str) {
    assert!(text.get(error.span.clone()).is_some(), "{text:?}: {error:?}");
    assert!(!error.message.is_empty());
    let shown = error.caret(text);
    assert_eq!(shown.matches('\n').count(), 1, "{text:?}: {shown:?}");
    assert!(!shown.contains(|c: char| c != '\n' && c.is_control()), "{text:?}: {shown:?}");
}
