// ping-probe.ts — the server has to answer one ICMP echo; asked through the system's ping.
import { describeDuration, type Run } from "@lbpair/common";
import { type Probe, simpleProbe } from "./probe.js";
import { firstLine } from "./reason-line.js";

/** Beyond ping's own timeout, before the command itself counts as hanging. */
const PING_SLACK_MS = 500;

export const createPingProbe = (run: Run): Probe =>
  simpleProbe(async ({ address, check }) => {
    if (check.type !== "ping") return { passed: false, reason: `${check.type} pings nothing` };
    const wait = (check.timeout / 1000).toFixed(3);
    const result = await run(["ping", "-n", "-q", "-c", "1", "-W", wait, address], {
      timeoutMs: check.timeout + PING_SLACK_MS,
      outputBytesMax: 4096,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LANG: "C.UTF-8" },
    });
    const [, time] = /= [\d.]+\/([\d.]+)\//.exec(result.stdout) ?? [];
    if (result.code === 0) {
      return { passed: true, reason: time === undefined ? "echo" : `echo in ${time} ms` };
    }
    // Exit code 1 is silence; anything else is ping's own trouble and it says which.
    if (result.code === 1) {
      const reason = `no echo within ${describeDuration(check.timeout)}`;
      return { passed: false, reason };
    }
    const said = firstLine(result.stderr) || firstLine(result.stdout) || "ping gave no reason";
    return { passed: false, reason: result.timedOut ? "ping hangs" : said };
  });
