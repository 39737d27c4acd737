"""The missions that come with jerne: `jerne missions` lists them, `jerne run NAME` runs one."""
