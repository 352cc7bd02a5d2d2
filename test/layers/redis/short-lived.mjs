// A process that joins a group and says so, and lives until it is killed.
const [module, url, prefix, lease] = process.argv.slice(2);
const { RedisChannelLayer } = await import(module);
const layer = new RedisChannelLayer({ hosts: [url], prefix, lease: Number(lease) });
const channel = await layer.newChannel(() => {});
await layer.groupAdd("room", channel.name);
process.send("joined");
setInterval(() => {}, 1000);
