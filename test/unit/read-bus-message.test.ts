import { expect, test } from "vitest";
import { deliverableTypes, eventTypes } from "../../shared/contracts/events.ts";
import { readBusMessage } from "../../shared/core/deliveries/creation/read-bus-message.ts";

const messageOf = (type: string) =>
  JSON.stringify({
    "detail-type": type,
    detail: { clientId: "cl_1", id: `${type}:rq_1`, type, data: { requestId: "rq_1" } },
  });

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
    expect.objectContaining({
      code: "MESSAGE_MALFORMED",
      message: "a later version delivers workflow.ofTomorrow",
    }),
  );
});
