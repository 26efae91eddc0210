import assert from "node:assert/strict";
import { test } from "node:test";
import type { Run } from "@lbpair/common";
import type { IpSession } from "./ip-session.js";
import { readRouters } from "./routers.js";

/** As `ip -j -batch` answered "route show table all" (iproute2 6.1). */
const ROUTES = `[{"dst":"default","gateway":"10.0.0.9","dev":"d0","flags":[]},{"dst":"10.9.0.0/16","flags":[],"nexthops":[
{"gateway":"10.0.0.2","dev":"d0","weight":1,"flags":[]},{"gateway":"10.0.0.3","dev":"d0","weight":1,"flags":[]}]},
{"type":"local","dst":"10.0.0.1","dev":"d0","table":"local"},{"dst":"default","gateway":"fd00::9","dev":"d0","metric":1024}]`;
const HOPS = ["10.0.0.9", "10.0.0.2", "10.0.0.3", "fd00::9"].map((address) => ({
  link: "d0",
  address,
}));

const sessionSaying = (said: Awaited<ReturnType<IpSession["list"]>>): IpSession => ({
  perform: async () => "no-answer",
  list: async () => said,
  renew: () => undefined,
  prepare: () => undefined,
  close: () => undefined,
});

test("a session is asked once for both families, and nothing is started", async () => {
  const run: Run = () => assert.fail("a process of its own");
  assert.deepEqual(await readRouters(run, sessionSaying(ROUTES)), HOPS);
});

test("a session that does not answer is made up for by processes of their own", async () => {
  const asked: string[] = [];
  const run: Run = async (argv) => {
    asked.push(argv.join(" "));
    const stdout = argv.includes("-4") ? ROUTES : "[]";
    return {
      argv,
      code: 0,
      stdout,
      stderr: "",
      timedOut: false,
      signal: null,
      truncated: false,
      tookMs: 1,
    };
  };
  assert.deepEqual(await readRouters(run, sessionSaying("no-answer")), HOPS);
  assert.deepEqual(asked, ["ip -4 -j route show", "ip -6 -j route show"]);
});
