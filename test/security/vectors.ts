import { isDeepStrictEqual } from "node:util";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { verifyWebhook } from "../../client/index.ts";
import { verifiedClaims } from "../../shared/core/crypto/hs256.ts";
import { signedHeaders } from "../../shared/core/deliveries/signing/signing.ts";
import {
  SIGNATURE_HEADER,
  TIMESTAMP_HEADER,
  verifyLinkedApi,
} from "../../shared/providers/linked-api/signature.ts";
import { hmacHex } from "../../shared/providers/we-link/hash.ts";

/** A verifier throws what it refuses. */
async function holds(judge: () => unknown): Promise<boolean> {
  try {
    return Boolean(await judge());
  } catch {
    return false;
  }
}

/**
 * Lets us and the reference library of Standard Webhooks verify what the other one signs.
 *
 * @returns whose signatures were refused
 */
export async function refusedByOther(): Promise<string[]> {
  const secret = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;
  const library = new StandardWebhook(secret);
  const eventId = "message.reply:1";
  const body = JSON.stringify({ id: eventId, type: "message.reply", data: { name: "Zo\u00eb" } });
  // The library compares the time with that of this machine.
  const timestampSeconds = Math.floor(Date.now() / 1_000);
  const ours = signedHeaders({ eventId, body, timestampSeconds, secrets: [secret] });
  const signature = library.sign(eventId, new Date(timestampSeconds * 1_000), body);
  const theirs = { ...ours, "webhook-signature": signature };
  const isSame = (verified: unknown) => isDeepStrictEqual(verified, JSON.parse(body));
  const byLibrary = await holds(() => isSame(library.verify(body, ours)));
  const byUs = await holds(async () => isSame(await verifyWebhook(body, theirs, secret)));
  return [
    ...(byLibrary ? [] : ["the library refuses ours"]),
    ...(byUs ? [] : ["we refuse the library's"]),
  ];
}

/** What others have published about their signatures, as it is judged here. */
export async function checkVectors(): Promise<{ count: number; wrong: string[] }> {
  const linked = {
    secret: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    timestamp: "1700000000",
    ascii: '{"id":"event-1","type":"webhook.test","data":{"message":"Hello"}}',
    unicode:
      '{"id":"event-2","type":"webhook.test","data":{"message":"Zo\u00eb \u2665 \u65e5\u672c"}}',
  };
  const isLinked = (body: string, signature: string) =>
    verifyLinkedApi(
      {
        bytes: Buffer.from(body),
        headers: { [SIGNATURE_HEADER]: signature, [TIMESTAMP_HEADER]: linked.timestamp },
      },
      { secrets: [linked.secret], nowMs: Number(linked.timestamp) * 1_000 },
    ).kind === "verified";
  const standard = {
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    body: '{"test": 2432232314}',
    headers: {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
  };
  const at = { nowMs: 1_614_265_330_000 };
  const jwt =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
  const judged: Record<string, () => boolean | Promise<boolean>> = {
    "Standard Webhooks: the example of the reference libraries is verified": async () =>
      isDeepStrictEqual(
        await verifyWebhook(standard.body, standard.headers, standard.secret, at),
        JSON.parse(standard.body),
      ),
    "Standard Webhooks: we sign the example with the same signature": () =>
      signedHeaders({
        eventId: standard.headers["webhook-id"],
        body: standard.body,
        timestampSeconds: 1_614_265_330,
        secrets: [standard.secret],
      })["webhook-signature"] === standard.headers["webhook-signature"],
    "Linked API: linkedapi 1.4.7 (PyPI), tests/test_webhook_signature.py, ASCII": () =>
      isLinked(linked.ascii, "8f93c19766fe42f27da56fcb5ae11a909c406683ccc0766bd29edc52c71fd209"),
    "Linked API: the same, Unicode": () =>
      isLinked(linked.unicode, "87f5bc51d542ce4d8b61350b35807420dce7b3473bd7ecec87211b544c299c69"),
    "Linked API: the same, a secret that is decoded from hex is refused": () =>
      !isLinked(linked.ascii, "cf8a7cbd4da0130448492ced3d1aaffd608738b7fff2623e27eaecd4dd54a236"),
    // We-Link publishes no vector: these are of the algorithms that its documentation names.
    "We-Link's hash, HMAC-SHA256: RFC 4231, test case 1": () =>
      hmacHex("\x0b".repeat(20), "Hi There") ===
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    "We-Link's hash, HMAC-SHA256: RFC 4231, test case 2": () =>
      hmacHex("Jefe", "what do ya want for nothing?") ===
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "We-Link's hash, JWT with HS256: the example of jwt.io": () =>
      verifiedClaims(jwt, ["your-256-bit-secret"], Date.UTC(2026, 0))?.sub === "1234567890",
  };
  const wrong: string[] = [];
  for (const [name, judge] of Object.entries(judged)) {
    if (!(await holds(judge))) wrong.push(name);
  }
  return { count: Object.keys(judged).length, wrong };
}
