//! Stands where the program has its writer of Parquet, which would bring polars along.

use super::rows::RowWriter;
use crate::report::table::{Cell, RowColumn};
use std::io::{self, ErrorKind, Write};
use std::marker::PhantomData;

pub struct ParquetRows<W>(PhantomData<W>);

impl<W: Write> ParquetRows<W> {
    pub fn new(_: &[RowColumn], _: W) -> io::Result<ParquetRows<W>> {
        Err(ErrorKind::Unsupported.into())
    }
}

impl<W: Write> RowWriter for ParquetRows<W> {
    fn row(&mut self, _: &[Cell]) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}
