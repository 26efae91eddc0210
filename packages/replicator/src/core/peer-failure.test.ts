import assert from "node:assert/strict";
import { test } from "node:test";
import { classifySshError } from "./peer-failure.js";

test("each way to fail has a kind and a sentence that says what to mend", () => {
  const cases: [{ level?: string; code?: string; message: string }, boolean, string, RegExp][] = [
    [{ level: "handshake", message: "Host denied" }, true, "wrong-host-key", /pinned/],
    [
      { level: "handshake", message: "no matching host key format" },
      false,
      "wrong-host-key",
      /pinned/,
    ],
    [{ level: "client-authentication", message: "x" }, false, "authentication", /replication\.key/],
    [{ level: "client-timeout", message: "x" }, false, "timeout", /in time/],
    [{ level: "client-socket", code: "ECONNREFUSED", message: "x" }, false, "refused", /refused/],
    [
      { level: "client-socket", code: "EHOSTUNREACH", message: "x" },
      false,
      "unreachable",
      /EHOSTUNREACH/,
    ],
    [{ level: "client-socket", code: "ECONNRESET", message: "reset" }, false, "closed", /reset/],
  ];
  for (const [error, differs, kind, words] of cases) {
    const failure = classifySshError(error, "192.0.2.1:22", differs);
    assert.equal(failure.kind, kind);
    assert.match(failure.message, words);
    assert.match(failure.message, /^192\.0\.2\.1:22: /);
  }
});
