// tcp-talk.ts — a text sent, and what the answer has to contain.
import type { CheckOf } from "@lbpair/common";
import { type Found, findPattern } from "./match.js";
import { fail, type Next, pass } from "./talk.js";

const SHOWN_CHARACTERS_MAX = 40;
const show = (text: string): string =>
  JSON.stringify(
    text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX - 1)}…` : text,
  );

/** Without anything expected, a connection (and TLS, where asked for) is all that is wanted. */
export function tcpTalk(check: CheckOf<"tcp">): Next {
  const { send, expect, pattern } = check;
  const say = send === undefined ? {} : { say: Buffer.from(send) };
  if (expect === undefined && pattern === undefined) return { ...pass("connected"), ...say };
  const wanted = [
    ...(expect === undefined ? [] : [show(expect)]),
    ...(pattern === undefined ? [] : [`a match of /${pattern}/`]),
  ].join(" and ");
  const judge = (found: Found): Next | undefined => {
    if (found === "too-slow") return fail(`/${pattern}/ takes too long to match the answer`);
    return found ? pass(`answered with ${wanted}`) : undefined;
  };
  return {
    ...say,
    wants: `an answer with ${wanted}`,
    hear(heard) {
      if (expect !== undefined && !heard.includes(expect)) return undefined;
      if (pattern === undefined) return pass(`answered with ${wanted}`);
      const found = findPattern(pattern, heard.toString());
      return found instanceof Promise ? found.then(judge) : judge(found);
    },
  };
}
