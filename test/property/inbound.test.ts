import fc from "fast-check";
import { expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { type FinalEvent, unmatchedEvent } from "../../shared/core/envelope.ts";
import { canonicalJson, type JsonObject, readJsonObject } from "../../shared/core/json.ts";
import { topLevelMembers, withoutMember } from "../../shared/core/json-members.ts";
import { providerPacks } from "../../shared/providers/packs.ts";
import { signWeLink, weLink } from "../../shared/providers/we-link.ts";
import { webhookOf } from "../support/webhooks.ts";

const jsonObject = fc
  .dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 4 }))
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

const body = fc
  .tuple(jsonObject, fc.string({ minLength: 1 }), fc.string({ minLength: 1 }))
  .map(([more, request_id, status]): JsonObject => {
    const { hash: _, requestId: __, requestID: ___, data: ____, ...rest } = more;
    return { ...rest, request_id, status };
  });

const secret = fc.string({ minLength: 1 });

/** Parsers throw nothing but our codes. */
function codeOrValue(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    return (error as Failure).code;
  }
}

test("what a sender signs is accepted with its secret, and with no other", () => {
  fc.assert(
    fc.property(body, secret, secret, (value, right, wrong) => {
      const webhook = webhookOf(signWeLink(value, right));
      expect(weLink.verify(webhook, [right])).toBe(true);
      expect(weLink.verify(webhook, [wrong])).toBe(wrong === right);
    }),
    { numRuns: 1_000 },
  );
});

test("a signed body in which one character is another is refused", () => {
  fc.assert(
    fc.property(
      body,
      secret,
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 1 }),
      (value, key, at, char) => {
        const text = signWeLink(value, key);
        const place = at % text.length;
        const tampered = text.slice(0, place) + char + text.slice(place + 1);
        fc.pre(tampered !== text);
        const accepted = codeOrValue(() => weLink.verify(webhookOf(tampered), [key]));
        // A change that another spelling of the same object would be: the object was signed, not its spelling.
        const same =
          codeOrValue(() => canonicalJson(readJsonObject(Buffer.from(tampered)).value)) ===
          canonicalJson(readJsonObject(Buffer.from(text)).value);
        if (!same) expect(accepted).not.toBe(true);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("whatever bytes come, reading them ends in an object or in one of our codes", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json({ maxDepth: 3 }).map((text) => new Uint8Array(Buffer.from(text))),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      for (const pack of Object.values(providerPacks)) {
        codeOrValue(() => {
          const webhook = { ...readJsonObject(input), headers: {} };
          pack.verify(webhook, ["secret"]);
          return pack.read(webhook);
        });
      }
    }),
    { numRuns: 2_000 },
  );
});

test("cutting a member out leaves the object without it", () => {
  fc.assert(
    fc.property(jsonObject, fc.nat(), fc.boolean(), (value, at, pretty) => {
      const text = JSON.stringify(value, null, pretty ? 2 : 0);
      const members = topLevelMembers(text);
      expect(members.map(({ key }) => key)).toEqual(Object.keys(value));
      const member = members[at % Math.max(1, members.length)];
      if (!member) return;
      const { [member.key]: _, ...rest } = value;
      expect(JSON.parse(withoutMember(text, member))).toEqual(rest);
    }),
    { numRuns: 2_000 },
  );
});

test("event ids never meet across connections, and fit into a header", () => {
  const eventOf = (value: JsonObject, connectionId: string): FinalEvent =>
    unmatchedEvent(weLink.read(webhookOf(value)), {
      provider: "we-link",
      clientId: "cl",
      connectionId,
      receivedAtMs: 0,
      numbersAsText: false,
    });
  const connection = fc.stringMatching(/^cn_[0-9a-f]{16}$/);
  fc.assert(
    fc.property(body, body, connection, connection, (one, other, mine, theirs) => {
      fc.pre(mine !== theirs);
      const id = eventOf(one, mine).id;
      expect(id).toMatch(/^[\x21-\x7e]{1,512}$/);
      expect(eventOf(other, theirs).id).not.toBe(id);
      expect(eventOf({ ...one, hash: "any" }, mine).id).toBe(id);
    }),
    { numRuns: 1_000 },
  );
});
