import { isDeepStrictEqual } from "node:util";
import { verifyWebhook, WebhookVerificationError } from "../../client/index.ts";
import { signHs256 } from "../../shared/core/crypto/hs256.ts";
import { signedHeaders } from "../../shared/core/deliveries/signing/signing.ts";
import {
  SIGNATURE_HEADER,
  signLinkedApi,
  TIMESTAMP_HEADER,
} from "../../shared/providers/linked-api/signature.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { makeIngestCore, SECRET } from "../support/fakes/ingest-core.ts";
import { seededRandom } from "../support/simulations/interleaving.ts";
import { atLeast, none, type Proof } from "./proof.ts";
import { checkVectors, refusedByOther } from "./vectors.ts";

/** A request of a sender: what is tampered with. */
interface Sent {
  body: string;
  headers: Record<string, string>;
}

/** Where requests arrive that must be signed. */
interface Surface {
  name: string;
  /** A valid request, the n-th of its kind. */
  valid(n: number): Sent;
  /** Whether the request is accepted. @throws on anything but a refusal */
  accepts(sent: Sent): Promise<boolean>;
  /** Whether two bodies are the same to their sender although their bytes differ. */
  isSame?(one: string, other: string): boolean;
  /** The places of the signature and of what else is signed beside the body. */
  signatureIn(sent: Sent): "body" | string;
  signedHeaders: readonly string[];
}

/**
 * S3: verifies the published vectors, and then sends tampered requests to everything that checks
 * signatures: `ingest` with We-Link's hash as HMAC and as JWT and with Linked API's signature, and
 * `verifyWebhook` of the client package. The same seed tampers in the same way.
 *
 * @param options.requests how many in all; default 100,000
 */
export async function proveSignatures({ requests = 100_000, seed = 1 } = {}): Promise<Proof> {
  const vectors = await checkVectors();
  const surfaces = [weLinkHmac(), weLinkJwt(), linkedApi(), outbound()];
  const accepted: string[] = [];
  const exceptions: string[] = [];
  const refusedValid: string[] = [];
  const each = Math.ceil(requests / surfaces.length);
  let tampered = 0;
  for (const surface of surfaces) {
    const random = seededRandom(seed);
    for (let n = 0; n < each; n++) {
      const valid = surface.valid(n);
      // Shows that what is tampered with is accepted otherwise.
      if (n % 50 === 0 && !(await surface.accepts(valid))) refusedValid.push(surface.name);
      const sent = tamper(surface, valid, random);
      tampered++;
      try {
        if (await surface.accepts(sent.request)) {
          accepted.push(`${surface.name}, ${sent.how}: ${JSON.stringify(sent.request)}`);
        }
      } catch (error) {
        exceptions.push(`${surface.name}, ${sent.how}: ${error}`);
      }
    }
  }
  return {
    id: "S3",
    title: `Signatures, with tampered requests from seed ${seed}`,
    figures: [
      atLeast("published vectors", vectors.count, 8),
      none("published vectors that are judged otherwise", vectors.wrong),
      none("signatures that the reference library or we refuse", await refusedByOther()),
      none("valid requests that were refused", refusedValid),
      atLeast("tampered requests", tampered, requests),
      none("tampered requests that were accepted", accepted),
      none("exceptions", exceptions),
    ],
  };
}

/** A tampered form of a valid request that is not the same request in another spelling. */
function tamper(
  surface: Surface,
  valid: Sent,
  random: () => number,
): { request: Sent; how: string } {
  for (;;) {
    const tampering = pick(tamperings, random);
    const request = tampering.apply(surface, structuredClone(valid), random);
    const hasSameBody =
      request.body === valid.body || surface.isSame?.(request.body, valid.body) === true;
    const hasSameHeaders = isDeepStrictEqual(trimmed(request.headers), trimmed(valid.headers));
    if (!hasSameBody || !hasSameHeaders) return { request, how: tampering.name };
  }
}

/** HTTP removes spaces around the value of a header. */
const trimmed = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.trim()]));

interface Tampering {
  name: string;
  apply(surface: Surface, sent: Sent, random: () => number): Sent;
}

const tamperings: readonly Tampering[] = [
  {
    name: "a byte of the body",
    apply: (_, sent, random) => ({ ...sent, body: mutated(sent.body, random) }),
  },
  {
    name: "several bytes of the body",
    apply: (_, sent, random) => ({
      ...sent,
      body: mutated(mutated(mutated(sent.body, random), random), random),
    }),
  },
  {
    name: "a cut body",
    apply: (_, sent, random) => ({ ...sent, body: sent.body.slice(0, at(sent.body, random)) }),
  },
  {
    name: "the body of another request",
    apply: (surface, sent, random) => {
      const other = surface.valid(1_000_000 + Math.floor(random() * 1_000));
      const isInBody = surface.signatureIn(sent) === "body";
      return isInBody ? withHash(other.body, hashOf(sent.body)) : { ...sent, body: other.body };
    },
  },
  {
    name: "a character of the signature",
    apply: (surface, sent, random) => changeSignature(surface, sent, (of) => mutated(of, random)),
  },
  {
    name: "a cut signature",
    apply: (surface, sent, random) =>
      changeSignature(surface, sent, (of) => of.slice(0, at(of, random))),
  },
  {
    name: "a longer signature",
    apply: (surface, sent, random) =>
      changeSignature(surface, sent, (of) => of + pick(["0", "=", "\n", " ", "\0", "a"], random)),
  },
  {
    name: "another case of the signature",
    apply: (surface, sent) => changeSignature(surface, sent, (of) => of.toUpperCase()),
  },
  {
    name: "a signature of random bytes",
    apply: (surface, sent, random) =>
      changeSignature(surface, sent, (of) =>
        Array.from(of, () => pick([..."0123456789abcdef"], random)).join(""),
      ),
  },
  {
    name: "no signature",
    apply: (surface, sent) => changeSignature(surface, sent, () => ""),
  },
  {
    name: "a signed header",
    apply: (surface, sent, random) => {
      if (surface.signedHeaders.length === 0) return sent;
      const name = pick(surface.signedHeaders, random);
      const value = mutated(sent.headers[name] ?? "", random);
      return { ...sent, headers: { ...sent.headers, [name]: value } };
    },
  },
  {
    name: "no signed header",
    apply: (surface, sent, random) => {
      if (surface.signedHeaders.length === 0) return sent;
      const { [pick(surface.signedHeaders, random)]: _, ...headers } = sent.headers;
      return { ...sent, headers };
    },
  },
];

function changeSignature(surface: Surface, sent: Sent, change: (of: string) => string): Sent {
  const place = surface.signatureIn(sent);
  if (place === "body") return withHash(sent.body, change(hashOf(sent.body)));
  // A header names the version of its signature, which is not a part of it.
  const [version, signature] = /^(v1,)?(.*)$/s.exec(sent.headers[place] ?? "")?.slice(1) ?? [];
  const value = `${version ?? ""}${change(signature ?? "")}`;
  return { ...sent, headers: { ...sent.headers, [place]: value } };
}

const hashOf = (body: string) => String((JSON.parse(body) as { hash?: unknown }).hash);
const withHash = (body: string, hash: string): Sent => {
  const { hash: _, ...of } = JSON.parse(body) as Record<string, unknown>;
  return { body: JSON.stringify({ ...of, hash }), headers: {} };
};

const at = (text: string, random: () => number) => Math.floor(random() * text.length);
const pick = <One>(from: readonly One[], random: () => number) =>
  from[Math.floor(random() * from.length)] as One;

/** One character changed, put in, taken out, doubled, or replaced by one beside it in Unicode. */
function mutated(text: string, random: () => number): string {
  const place = at(text, random);
  const [before, char, after] = [text.slice(0, place), text[place] ?? "", text.slice(place + 1)];
  const other = () => pick([...'"\\,{}[]:0f. =+/-_\u00e9\u0000'], random);
  const changes = [
    () => before + other() + after,
    () => before + other() + char + after,
    () => before + after,
    () => before + char + char + after,
    () => before + String.fromCharCode(char.charCodeAt(0) ^ 1) + after,
  ];
  return pick(changes, random)();
}

const bodyOf = (n: number) => ({
  status: n % 2 === 0 ? "SUCCESS" : "FAILED",
  request_id: `req-${n}`,
  result: { n, name: "Zo\u00eb", list: [1, 2.5, null, true] },
});

const meansTheSame = (one: string, other: string): boolean => {
  try {
    return isDeepStrictEqual(JSON.parse(one), JSON.parse(other));
  } catch {
    return false;
  }
};

/** Posts to `ingest` as the function does; any answer but 2xx and 4xx is an exception. */
function ingests(core: ReturnType<typeof makeIngestCore>) {
  return async ({ body, headers }: Sent): Promise<boolean> => {
    const { status = 500, code } = await core.post(body, headers);
    core.queued.length = 0;
    if (status >= 500) throw new Error(`${status} ${code}`);
    return status < 300;
  };
}

function weLinkHmac(): Surface {
  return {
    name: "We-Link's hash as HMAC",
    valid: (n) => ({ body: signWeLink(bodyOf(n), SECRET), headers: {} }),
    accepts: ingests(makeIngestCore()),
    // The values of a body are signed, and not its spelling.
    isSame: meansTheSame,
    signatureIn: () => "body",
    signedHeaders: [],
  };
}

function weLinkJwt(): Surface {
  const core = makeIngestCore();
  return {
    ...weLinkHmac(),
    name: "We-Link's hash as JWT",
    valid: (n) => withHash(JSON.stringify(bodyOf(n)), signHs256(bodyOf(n), SECRET)),
    accepts: ingests(core),
  };
}

function linkedApi(): Surface {
  const secret = "a secret of Linked API";
  const core = makeIngestCore("linked-api", secret);
  const timestamp = String(Math.floor(core.clock.realMs() / 1_000));
  return {
    name: "Linked API's signature",
    valid: (n) => {
      const body = `{"id":"event-${n}","type":"account.frozen","data":{"accountId":"a${n}"}}`;
      const signature = signLinkedApi(Buffer.from(body), timestamp, secret);
      return { body, headers: { [SIGNATURE_HEADER]: signature, [TIMESTAMP_HEADER]: timestamp } };
    },
    accepts: ingests(core),
    signatureIn: () => SIGNATURE_HEADER,
    signedHeaders: [SIGNATURE_HEADER, TIMESTAMP_HEADER],
  };
}

/** The webhooks that we send, as a receiver verifies them. */
function outbound(): Surface {
  const nowMs = Date.UTC(2026, 5, 25, 12);
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  return {
    name: "verifyWebhook",
    valid: (n) => {
      const body = JSON.stringify({ id: `e:${n}`, type: "message.reply", data: bodyOf(n) });
      const of = { eventId: `e:${n}`, body, timestampSeconds: nowMs / 1_000, secrets: [secret] };
      return { body, headers: signedHeaders(of) as Record<string, string> };
    },
    async accepts({ body, headers }) {
      try {
        await verifyWebhook(body, headers, secret, { nowMs });
        return true;
      } catch (error) {
        if (error instanceof WebhookVerificationError) return false;
        throw error;
      }
    },
    signatureIn: () => "webhook-signature",
    signedHeaders: ["webhook-id", "webhook-timestamp", "webhook-signature"],
  };
}
