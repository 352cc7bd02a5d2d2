// A worker of its own process: node worker-process.mjs LAYER URL PREFIX OPTIONS. It tells what it does by messages to its
// parent, and a job ends when the parent says so.
import { ChannelNameRouter, Consumer, ProtocolTypeRouter, subscribeDiagnostics } from "millrace";
import { RedisChannelLayer, RedisPubSubChannelLayer } from "millrace/redis";
import { currentJob, runWorker } from "millrace/worker";

const [kind, url, prefix, options] = process.argv.slice(2);
const Layer = kind === "redis+core" ? RedisChannelLayer : RedisPubSubChannelLayer;
const layer = new Layer({ hosts: [url], prefix });
const tell = (event) => process.send?.(event);

class Slow extends Consumer {
  async job_run({ number }) {
    tell({ event: "began", number, attempt: currentJob().attempt });
    await new Promise((resolve) => process.once("message", resolve));
    tell({ event: "ended", number });
  }
}

for (const name of ["millrace:job:done", "millrace:job:unsettled"]) {
  subscribeDiagnostics(name, (payload) => tell({ event: name, ...payload }));
}
const application = ProtocolTypeRouter({ channel: ChannelNameRouter({ jobs: Slow }) });
await runWorker(application, { layers: { default: layer }, channels: ["jobs"], ...JSON.parse(options) });
tell({ event: "started" });
process.on("disconnect", () => process.exit());
