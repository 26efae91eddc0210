// stream-probe.test.ts — text, mail and directory checks against servers played here; plain, TLS, STARTTLS.
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import type { CheckConfig, CheckOf } from "@lbpair/common";
import { streamQuestion } from "./probes.js";
import { readReply } from "./smtp-talk.js";
import { streamProbe } from "./stream-probe.js";
import { ANSWER_BYTES_MAX, showHeard } from "./talk.js";
import {
  closedPort,
  contextOf,
  ownCertificate,
  serveStream,
  singlePorts,
  targetFor,
  times,
} from "./testing.js";

const probe = streamProbe(streamQuestion);

async function ask(port: number, check: CheckConfig, source?: string) {
  const context = { ...contextOf(), ...(source === undefined ? {} : { source }) };
  const run = probe(targetFor(check, { vports: singlePorts(port) }), context);
  const result = await run.result;
  await run.ended;
  return result;
}

const tcp = (changes: Partial<CheckOf<"tcp">> = {}): CheckConfig => ({
  type: "tcp",
  tls: false,
  ...times(400),
  ...changes,
});

test("H1 tcp: what is sent arrives, and the answer has to contain what is expected", async (t) => {
  const port = await serveStream(t, (socket) =>
    socket.on("data", (bytes) => socket.write(`+PONG to ${bytes}`)),
  );
  const send = "PING\r\n";
  assert.equal((await ask(port, tcp({ send, expect: "+PONG to PING\r\n" }))).passed, true);
  assert.equal((await ask(port, tcp({ send, pattern: "^\\+P[A-Z]+ to" }))).passed, true);
  assert.equal((await ask(port, tcp({ send }))).passed, true);
  const other = await ask(port, tcp({ send, expect: "-ERR", pattern: "x" }));
  t.diagnostic(other.reason);
  const wants = 'want an answer with "-ERR" and a match of /x/ within 400 ms';
  assert.equal(other.reason, `${wants}, got "+PONG to PING\\r\\n"`);
  assert.equal(other.timedOut, true);
});

test("tcp: an answer may come in pieces; a closed, refused or endless one is told", async (t) => {
  const pieces = await serveStream(t, (socket) => {
    socket.write("rea");
    setTimeout(() => socket.write("dy"), 50);
  });
  assert.equal((await ask(pieces, tcp({ expect: "ready" }))).passed, true);
  const closing = await serveStream(t, (socket) => socket.end("bye"));
  const closed = await ask(closing, tcp({ expect: "ready" }));
  assert.match(closed.reason, /got "bye", then the end of the connection/);
  const refused = await ask(await closedPort(), tcp());
  assert.match(refused.reason, /^want a connection, port \d+: refused$/);
  const endless = await serveStream(t, (socket) => {
    socket.write(Buffer.alloc(ANSWER_BYTES_MAX + 10, 0x41));
  });
  const flooded = await ask(endless, tcp({ expect: "ready" }));
  t.diagnostic(flooded.reason);
  assert.match(flooded.reason, /and no end of it$/);
});

test("H1 checks come from the source address they are given", async (t) => {
  const seen: (string | undefined)[] = [];
  const port = await serveStream(t, (socket) => {
    seen.push(socket.remoteAddress);
    socket.end("x");
  });
  assert.equal((await ask(port, tcp({ expect: "x" }), "127.0.0.9")).passed, true);
  assert.deepEqual(seen, ["127.0.0.9"]);
  const foreign = await ask(port, tcp(), "192.0.2.7");
  assert.match(foreign.reason, /the source address is not this node's/);
});

test("tcp over TLS asks for the name it is told and takes any certificate", async (t) => {
  const { key, cert } = await ownCertificate();
  const names: (string | false | null)[] = [];
  const server = createTlsServer({ key, cert }, (socket) => {
    names.push(socket.servername);
    socket.on("error", () => undefined);
    socket.end("secure");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  const check = tcp({ tls: true, sni: "vna.example.org", expect: "secure", ...times(2000) });
  assert.deepEqual(await ask(bound.port, check), {
    passed: true,
    reason: 'answered with "secure"',
  });
  assert.deepEqual(names, ["vna.example.org"]);
  const plain = await serveStream(t, (socket) => socket.write("no TLS here\r\n"));
  const wrong = await ask(plain, check);
  t.diagnostic(wrong.reason);
  assert.match(wrong.reason, /^want TLS, port \d+: /);
});

test("an answer whose pattern takes long is judged beside, and what comes meanwhile after it", async (t) => {
  // Slow on the first piece, at once true with the second.
  const pattern = "^(a+)+(b|c)$|end";
  const port = await serveStream(t, (socket) => {
    socket.write(`${"a".repeat(40)}x`);
    setTimeout(() => socket.write("end"), 5);
  });
  const result = await ask(port, tcp({ pattern, ...times(2000) }));
  t.diagnostic(result.reason);
  // The first piece alone is given up on: it is the whole answer as far as anybody can tell.
  assert.match(result.reason, /takes too long to match the answer/);
  const closing = await serveStream(t, (socket) => socket.end(`${"a".repeat(22)}x`));
  const ended = await ask(closing, tcp({ pattern: "^(a+)+b", ...times(2000) }));
  t.diagnostic(ended.reason);
  assert.equal(ended.passed, false);
});

test("what came is shown bounded, without control characters", () => {
  assert.equal(showHeard(Buffer.from([0x1b, 0x41, 0x7f, 0x9b])), '"\\u001bA\\x7f\\x9b"');
  assert.ok(showHeard(Buffer.alloc(5000, 0x41)).length < 100);
});

const smtp = (changes: Partial<CheckOf<"smtp">> = {}): CheckConfig => ({
  type: "smtp",
  hello: "lb.example.org",
  tls: false,
  startTls: false,
  ...times(2000),
  ...changes,
});

/** A mail server's part; `heard` are the commands it got. */
function mailServer(
  socket: Socket,
  heard: string[],
  facts: { readonly key: string; readonly cert: string; readonly offers: readonly string[] },
): void {
  const listen = (stream: Socket): void => {
    stream.on("error", () => undefined);
    stream.on("data", (bytes: Buffer) => {
      const command = bytes.toString().trim();
      heard.push(command);
      if (command.startsWith("EHLO")) {
        const lines = ["mail.example.org", ...facts.offers];
        const reply = lines.map((line, i) => `250${i === lines.length - 1 ? " " : "-"}${line}\r\n`);
        stream.write(reply.join(""));
      } else if (command === "STARTTLS") {
        stream.write("220 go ahead\r\n");
        stream.removeAllListeners("data");
        const { key, cert } = facts;
        listen(new TLSSocket(stream, { isServer: true, key, cert }));
      } else stream.end("221 bye\r\n");
    });
  };
  listen(socket);
  socket.write("220-welcome to\r\n220 mail.example.org ESMTP\r\n");
}

test("H1 smtp: greeting and EHLO pass, with QUIT at the end; STARTTLS where that is wanted", async (t) => {
  const certificate = await ownCertificate();
  const heard: string[] = [];
  const offers = ["SIZE 1000", "STARTTLS"];
  const port = await serveStream(t, (socket) =>
    mailServer(socket, heard, { ...certificate, offers }),
  );
  assert.deepEqual(await ask(port, smtp()), { passed: true, reason: "ready: welcome to" });
  assert.deepEqual(heard.splice(0), ["EHLO lb.example.org", "QUIT"]);
  assert.equal((await ask(port, smtp({ startTls: true }))).passed, true);
  const ehlo = "EHLO lb.example.org";
  assert.deepEqual(heard.splice(0), [ehlo, "STARTTLS", ehlo, "QUIT"]);
  const plain = await serveStream(t, (socket) =>
    mailServer(socket, heard, { ...certificate, offers: [] }),
  );
  const without = await ask(plain, smtp({ startTls: true }));
  assert.equal(without.reason, "want STARTTLS among what EHLO offers, got none");
});

test("smtp: a server that is full, or no mail server, says so in the reason", async (t) => {
  const full = await serveStream(t, (socket) => socket.end("554 no service\r\n"));
  assert.equal(
    (await ask(full, smtp())).reason,
    'want 220, an SMTP greeting, got "554 no service\\r\\n"',
  );
  const ssh = await serveStream(t, (socket) => socket.write("SSH-2.0-OpenSSH_9.2p1\r\n"));
  assert.match((await ask(ssh, smtp())).reason, /got "SSH-2.0/);
  assert.equal(readReply(Buffer.from("220-one\r\n22")), undefined);
  assert.equal(readReply(Buffer.from("hello")), "wrong");
  assert.equal(readReply(Buffer.from("2")), undefined);
});

const ldap = (changes: Partial<CheckOf<"ldap">> = {}): CheckConfig => ({
  type: "ldap",
  tls: false,
  startTls: false,
  ...times(2000),
  ...changes,
});

/** 0x0a 1 code, matchedDN "", diagnosticMessage `text`. */
function ldapAnswer(id: number, tag: number, code: number, text = ""): Buffer {
  const result = Buffer.concat([
    Buffer.from([0x0a, 1, code, 4, 0, 4, text.length]),
    Buffer.from(text),
  ]);
  const operation = Buffer.concat([Buffer.from([2, 1, id, tag, result.length]), result]);
  // Active Directory writes every length in four bytes.
  return Buffer.concat([Buffer.from([0x30, 0x84, 0, 0, 0, operation.length]), operation]);
}

test("H1 ldap: a bind passes, wrong credentials and other servers' words fail with their name", async (t) => {
  const heard: Buffer[] = [];
  const port = await serveStream(t, (socket) =>
    socket.on("data", (bytes) => {
      heard.push(bytes);
      const right = bytes.includes("cn=x") && bytes.includes("secret");
      socket.write(right ? ldapAnswer(2, 0x61, 0) : ldapAnswer(2, 0x61, 49, "who are you"));
    }),
  );
  const right = await ask(port, ldap({ bindDn: "cn=x", password: "secret" }));
  assert.deepEqual(right, { passed: true, reason: "bound as cn=x" });
  // RFC 4511: SEQUENCE, id 2, BindRequest, version 3, name, simple password; then an unbind.
  const bind = "301602010260110201030404636e3d788006736563726574";
  assert.equal(heard[0]?.toString("hex"), bind);
  assert.equal(heard[1]?.toString("hex"), "30050201034200");
  const wrong = await ask(port, ldap());
  assert.equal(wrong.reason, "want a successful bind, got invalidCredentials (49): who are you");
  const other = await serveStream(t, (socket) => socket.write("220 mail\r\n"));
  assert.match((await ask(other, ldap())).reason, /want a successful bind, got "220 mail/);
});

test("ldap: StartTLS is asked for, and a server that refuses it fails", async (t) => {
  const { key, cert } = await ownCertificate();
  const willing = await serveStream(t, (socket) => {
    socket.once("data", (request: Buffer) => {
      assert.ok(request.includes("1.3.6.1.4.1.1466.20037"));
      socket.write(ldapAnswer(1, 0x78, 0));
      const secure = new TLSSocket(socket, { isServer: true, key, cert });
      secure.on("error", () => undefined);
      secure.on("data", () => secure.write(ldapAnswer(2, 0x61, 0)));
    });
  });
  assert.deepEqual(await ask(willing, ldap({ startTls: true })), {
    passed: true,
    reason: "bound anonymously",
  });
  const unwilling = await serveStream(t, (socket) =>
    socket.on("data", () => socket.write(ldapAnswer(1, 0x78, 53))),
  );
  assert.match(
    (await ask(unwilling, ldap({ startTls: true }))).reason,
    /want leave to start TLS, got unwillingToPerform \(53\)/,
  );
});

test("a check that is ended early ends at once and leaves no connection", async (t) => {
  let open = 0;
  const port = await serveStream(t, (socket) => {
    open += 1;
    socket.on("close", () => {
      open -= 1;
    });
  });
  const abort = new AbortController();
  const check = tcp({ expect: "never", ...times(20_000) });
  const run = probe(targetFor(check, { vports: singlePorts(port) }), contextOf(abort.signal));
  setTimeout(() => abort.abort(), 50);
  assert.deepEqual(await run.result, { passed: false, reason: "the check was ended" });
  await run.ended;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(open, 0);
});
