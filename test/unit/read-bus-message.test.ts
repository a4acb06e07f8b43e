import { describe, expect, test } from "vitest";
import { deliverableTypes, eventTypes } from "../../shared/contracts/events.ts";
import { limits } from "../../shared/contracts/limits.ts";
import { readBusMessage } from "../../shared/core/deliveries/creation/read-bus-message.ts";

const messageOf = (type: string) =>
  JSON.stringify({
    "detail-type": type,
    detail: { clientId: "cl_1", id: `${type}:rq_1`, type, data: { requestId: "rq_1" } },
  });

/** A message whose `detail` has this text. */
const withDetail = (detail: string) => `{"version":"0", "detail": ${detail} ,"source":"ackwire"}`;
const envelopeOf = (type: string, data = "{}") => `{"id":"e:1","type":"${type}","data":${data}}`;
const detailOf = (...of: Parameters<typeof envelopeOf>) =>
  `{"clientId":"cl_1",${envelopeOf(...of).slice(1)}`;
const malformed = (message: string) =>
  expect.objectContaining({ name: "Failure", code: "MESSAGE_MALFORMED", message });

test.each(deliverableTypes)("An event %s is read with its envelope", (type) => {
  expect(readBusMessage(messageOf(type))).toMatchObject({
    ...{ id: `${type}:rq_1`, type, clientId: "cl_1" },
    envelope: JSON.stringify({ id: `${type}:rq_1`, type, data: { requestId: "rq_1" } }),
  });
});

test("An event of a known type that no webhook is told of is not delivered", () => {
  const others = eventTypes.filter((type) => !(deliverableTypes as string[]).includes(type));
  expect(others.length).toBeGreaterThan(0);
  for (const type of others) expect(readBusMessage(messageOf(type))).toBeUndefined();
});

test("An event of a type of a later version stays in the queue, for that version to deliver it", () => {
  expect(() => readBusMessage(messageOf("workflow.ofTomorrow"))).toThrowError(
    malformed("a later version delivers workflow.ofTomorrow"),
  );
});

describe("The envelope of an event", () => {
  const type = "workflow.completed";
  const rest = `"id":"e:1","type":"${type}"`;

  test.each([
    ["first", `{"clientId" : "cl_1", ${rest},"n":1.0}`],
    ["in the middle", `{${rest},"clientId":"cl_1","n":1.0}`],
    ["last", `{${rest},"n":1.0,"clientId":"cl_1"}`],
  ])("It is the text of the event without its client, which comes %s", (_, detail) => {
    const envelope = `{${rest},"n":1.0}`;
    const read = readBusMessage(withDetail(detail));
    expect(read).toStrictEqual({ id: "e:1", type, clientId: "cl_1", envelope });
  });

  test("Its numbers keep their digits, and a client that its data names stays", () => {
    const data = '{"n":12345678901234567890,"clientId":"x"}';
    const read = readBusMessage(withDetail(detailOf(type, data)));
    expect(read?.envelope).toBe(envelopeOf(type, data));
  });
});

describe("The request together with which a delivery is cancelled", () => {
  const readOf = (type: string, data: string) => readBusMessage(withDetail(detailOf(type, data)));
  const expected = (type: string, data: string) => ({
    ...{ id: "e:1", type, clientId: "cl_1", envelope: envelopeOf(type, data) },
  });

  test.each(deliverableTypes)("The request of an event %s is read unless it has ended", (type) => {
    const hasEnded = type === "workflow.completed" || type === "workflow.lateResult";
    const data = '{"requestId":"rq_1"}';
    expect(readOf(type, data)).toStrictEqual({
      ...expected(type, data),
      ...(hasEnded ? {} : { requestId: "rq_1" }),
    });
  });

  test.each(["{}", "null", "5", '{"requestId":5}', '{"requestId":null}'])(
    "An event whose data is %s is cancelled with no request",
    (data) => {
      const type = "workflow.started";
      expect(readOf(type, data)).toStrictEqual(expected(type, data));
    },
  );

  test("An event without data is cancelled with no request", () => {
    const type = "account.active";
    expect(readBusMessage(withDetail(`{"clientId":"cl_1","id":"e:1","type":"${type}"}`))).toEqual({
      ...{ id: "e:1", type, clientId: "cl_1", envelope: `{"id":"e:1","type":"${type}"}` },
    });
  });
});

describe("A message that is no event stays in the queue", () => {
  const noObject = malformed("the message is not a JSON object");
  const noEvent = malformed("the message has no valid `detail` of an event");

  test.each(["", "{", "null", "[]", '"detail"', `[${messageOf("workflow.completed")}]`])(
    "The message %j is refused as no JSON object",
    (text) => {
      expect(() => readBusMessage(text)).toThrowError(noObject);
    },
  );

  test.each([
    "{}",
    '{"details":{}}',
    '{"detail":"","other":{"clientId":"cl_1","id":"e:1","type":"workflow.completed"}}',
    ...[
      ...["null", "5", "[]", "{}", '"{}"'],
      `[${detailOf("workflow.completed")}]`,
      JSON.stringify(detailOf("workflow.completed")),
      '{"id":"e:1","type":"workflow.completed"}',
      '{"clientId":"cl_1","type":"workflow.completed"}',
      '{"clientId":"cl_1","id":"e:1"}',
      '{"clientId":1,"id":"e:1","type":"workflow.completed"}',
    ].map(withDetail),
  ])("The message %s is refused because it has no event", (text) => {
    expect(() => readBusMessage(text)).toThrowError(noEvent);
  });

  test("It may be nested eight levels deeper than the body of a webhook, and no deeper", () => {
    const nested = (levels: number) => {
      // The message, its detail and the event's data are three levels.
      const lists = levels - 3;
      const data = `{"list":${"[".repeat(lists)}${"]".repeat(lists)}}`;
      return readBusMessage(withDetail(detailOf("workflow.completed", data)));
    };
    expect(nested(limits.maxJsonDepth + 8)).toMatchObject({ id: "e:1" });
    expect(() => nested(limits.maxJsonDepth + 9)).toThrowError(noObject);
  });

  test("Its failure has what is wrong with the text as its cause", () => {
    expect(() => readBusMessage("{")).toThrowError(
      expect.objectContaining({ cause: expect.objectContaining({ code: "BODY_NOT_JSON" }) }),
    );
  });
});
