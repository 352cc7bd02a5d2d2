import { afterEach, beforeEach } from "@jest/globals";
import { type Diagnostics, type DiagnosticsName, subscribeDiagnostics } from "millrace";

/** What is published on a diagnostics channel during each test. */
export function heard<Name extends DiagnosticsName>(name: Name): Array<Diagnostics[Name]> {
  const payloads: Array<Diagnostics[Name]> = [];
  let listening: Disposable | undefined;
  beforeEach(() => {
    payloads.length = 0;
    listening = subscribeDiagnostics(name, (payload) => payloads.push(payload));
  });
  afterEach(() => listening?.[Symbol.dispose]());
  return payloads;
}
