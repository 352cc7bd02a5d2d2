// Preloaded into a server whose memory is measured: on SIGUSR2 it collects its garbage.
process.on("SIGUSR2", () => {
  if (globalThis.Bun === undefined) globalThis.gc();
  else globalThis.Bun.gc(true);
});
