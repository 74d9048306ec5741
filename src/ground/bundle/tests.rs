mod documents;
mod fixtures;
mod judging;
mod world;
