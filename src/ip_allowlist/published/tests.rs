mod formats;
mod refresher;
