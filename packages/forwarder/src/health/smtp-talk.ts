// smtp-talk.ts — a mail server's greeting and its answer to EHLO (RFC 5321 sections 3.1, 3.2 and 4.2).
import type { CheckOf } from "@lbpair/common";
import { fail, type Next, pass, type Turn, unexpected } from "./talk.js";

interface Reply {
  readonly code: number;
  /** Text of each line, without the code. */
  readonly lines: readonly string[];
}

/** The reply that has come whole: all lines but the last have a hyphen after the code. */
export function readReply(heard: Buffer): Reply | "wrong" | undefined {
  const lines: string[] = [];
  for (const line of heard.toString("latin1").split("\n").slice(0, -1)) {
    const [, code, mark, text] = /^(\d{3})([ -]?)(.*?)\r?$/.exec(line) ?? [];
    if (code === undefined || text === undefined) return "wrong";
    lines.push(text);
    if (mark !== "-") return { code: Number(code), lines };
  }
  // A first line that is none shows itself before its end.
  return /^(?:\d{0,3}$|\d{3}[ -])/.test(heard.toString("latin1")) || lines.length > 0
    ? undefined
    : "wrong";
}

/** A turn that waits for one reply with a certain code. */
function turn(
  wants: string,
  code: number,
  then: (reply: Reply) => Next,
  begin: Pick<Turn, "say" | "secure"> = {},
): Turn {
  return {
    ...begin,
    wants,
    hear(heard) {
      const reply = readReply(heard);
      if (reply === undefined) return undefined;
      return reply === "wrong" || reply.code !== code ? unexpected(wants, heard) : then(reply);
    },
  };
}

const command = (text: string): Buffer => Buffer.from(`${text}\r\n`);

const goodbye = ({ lines }: Reply): Next => pass(`ready: ${lines[0] ?? ""}`, command("QUIT"));

/** Greeting, EHLO, STARTTLS and EHLO again where that is wanted, QUIT. */
export function smtpTalk(check: CheckOf<"smtp">): Turn {
  const hello = (then: (reply: Reply) => Next, secure?: boolean): Turn =>
    turn("250 after EHLO", 250, then, {
      say: command(`EHLO ${check.hello}`),
      ...(secure === true ? { secure } : {}),
    });
  return turn("220, an SMTP greeting", 220, (greeting) => {
    const end = () => goodbye(greeting);
    if (!check.startTls) return hello(end);
    return hello(({ lines }) => {
      if (!lines.some((line) => line.trim().toUpperCase() === "STARTTLS")) {
        return fail("want STARTTLS among what EHLO offers, got none", command("QUIT"));
      }
      const say = command("STARTTLS");
      return turn("220 after STARTTLS", 220, () => hello(end, true), { say });
    });
  });
}
