//! The log against other people's code and other people's data.

mod oracles;
mod vectors;
