"""The backing servers, one module each: `prepare(site)` writes configuration and first data, `unit(site)` runs it."""
