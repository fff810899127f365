//! The same rows as Parquet, with the types and the row groups that other engines write.

use super::row::COLUMNS;
use super::{Log, Row};
use polars::prelude::{
    Column, DataFrame, DataType, IntoColumn, NamedFrom, ParquetWriter, PolarsResult, Series, TimeUnit,
};
use std::io::Write;

/// Rows of a row group: what `DuckDB` writes.
const GROUP_ROWS: usize = 122_880;

impl Log {
    /// Writes all rows, a row group at a time. Times are typed, without a zone; ids and prices are numbers.
    pub fn write_parquet(&self, out: impl Write) -> PolarsResult<()> {
        let schema = Group::default().frame()?.schema().as_ref().clone();
        let mut writer = ParquetWriter::new(out).batched(&schema)?;
        let mut group = Group::default();
        self.for_each_row(|row| {
            group.push(row);
            if group.times_us.len() == GROUP_ROWS {
                writer.write_batch(&std::mem::take(&mut group).frame()?)?;
            }
            PolarsResult::Ok(())
        })?;
        if !group.times_us.is_empty() {
            writer.write_batch(&group.frame()?)?;
        }
        writer.finish().map(|_| ())
    }
}

/// The columns of one row group; `texts` has an empty list where a column is no text.
#[derive(Default)]
struct Group {
    times_us: Vec<i64>,
    products: Vec<i64>,
    prices: Vec<f64>,
    texts: [Vec<Option<String>>; COLUMNS.len()],
}

impl Group {
    fn push(&mut self, row: &Row) {
        self.times_us.push(row.time_ms * 1_000);
        for ((name, cell), texts) in COLUMNS.iter().zip(&row.cells).zip(&mut self.texts) {
            match *name {
                "event_time" => {}
                "product_id" => self.products.push(cell.parse().expect("products are numbers")),
                "price" => self.prices.push(cell.parse().expect("prices are numbers")),
                _ => texts.push((!cell.is_empty()).then(|| cell.clone())),
            }
        }
    }

    fn frame(self) -> PolarsResult<DataFrame> {
        let Group { times_us, products, prices, texts } = self;
        let height = times_us.len();
        let times = Series::new("event_time".into(), times_us);
        let times = times.cast(&DataType::Datetime(TimeUnit::Microseconds, None))?;
        let column = |(name, texts): (&&str, Vec<Option<String>>)| match *name {
            "event_time" => times.clone().into_column(),
            "product_id" => Column::new("product_id".into(), &products),
            "price" => Column::new("price".into(), &prices),
            name => Column::new(name.into(), texts),
        };
        DataFrame::new(height, COLUMNS.iter().zip(texts).map(column).collect())
    }
}
