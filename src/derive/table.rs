//! A rule written as a table of the definition file.

use super::Rule;
use super::pattern::QueryField;

impl Rule {
    /// The keys of the rule's table, a line each.
    pub fn keys(&self) -> String {
        let mut table = toml::Table::new();
        table.insert("event".to_owned(), self.event.clone().into());
        if !self.urls.is_empty() {
            let urls: Vec<String> = self.urls.iter().map(ToString::to_string).collect();
            table.insert("url".to_owned(), urls.into());
        }
        if !self.query.is_empty() {
            let values = |field: &QueryField| -> Vec<String> {
                field.values.iter().map(|value| value.as_str().to_owned()).collect()
            };
            let fields = self.query.iter().map(|field| (field.name.clone(), values(field).into()));
            table.insert("query".to_owned(), toml::Value::Table(fields.collect()));
        }
        if let Some(condition) = &self.condition {
            table.insert("where".to_owned(), condition.to_string().into());
        }
        table.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    }
}
