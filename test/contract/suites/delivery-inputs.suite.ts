import { beforeAll, describe, expect, test } from "vitest";
import type {
  DeliveryInputsReader,
  HealthStore,
  WebhookStore,
} from "../../../shared/core/deliveries/state/ports.ts";
import { endpointHealth, webhookRecord } from "../../support/payloads/delivery-records.ts";
import { requestRecord } from "../../support/payloads/request-records.ts";

interface Stores {
  health: HealthStore;
  webhooks: WebhookStore;
  inputs: DeliveryInputsReader;
  /** Has a request of this id and status. */
  keepRequest: (request: ReturnType<typeof requestRecord>) => Promise<void>;
}

/** What the stores of webhooks and of their endpoints' health promise, and what reads them together. */
export function deliveryInputsSuite(name: string, open: () => Promise<Stores>): void {
  describe(`webhooks and health: ${name}`, () => {
    let health: HealthStore;
    let webhooks: WebhookStore;
    let inputs: DeliveryInputsReader;
    let keepRequest: Stores["keepRequest"];
    beforeAll(async () => {
      ({ health, webhooks, inputs, keepRequest } = await open());
    });

    async function healthOf(clientId: string) {
      const read = await inputs.read({ clientIds: [clientId], requestIds: [] });
      return read.health.get(clientId);
    }

    test("a webhook is read as it was written, and is replaced at the version that was read", async () => {
      const webhook = webhookRecord({
        status: "disabled",
        disabledReason: "gone",
        disabledAt: "2026-06-25T12:00:00.000Z",
        payloadMode: "thin",
        format: "we-link",
        hashFormat: "jwt",
        eventTypes: ["workflow.completed"],
        description: "",
        secrets: [
          { version: 2, masterKeyId: "1" },
          { version: 1, masterKeyId: "1", validUntil: "2026-06-26T12:00:00.000Z" },
        ],
        previousWebhooks: [{ webhookId: "wh_0", status: "deleted" }],
      });
      const { clientId } = webhook;
      expect(await webhooks.find(clientId)).toBeUndefined();
      expect(await webhooks.replace(webhook)).toEqual({ ...webhook, version: 1 });
      expect(await webhooks.find(clientId)).toEqual({ ...webhook, version: 1 });
      const next = { ...webhook, description: undefined, version: 1 };
      expect(await webhooks.replace(next)).toEqual({ ...next, version: 2 });
      expect(await webhooks.find(clientId)).toEqual({ ...next, version: 2 });
    });

    test("of two writers of a webhook at one version one succeeds, also at its creation", async () => {
      const [one, other] = [webhookRecord(), webhookRecord()];
      const { clientId, pk } = one;
      const rival = { ...other, clientId, pk };
      for (const version of [0, 1]) {
        const writes = [one, rival].map((webhook) => webhooks.replace({ ...webhook, version }));
        const written = (await Promise.all(writes)).filter((webhook) => webhook !== undefined);
        expect(written).toHaveLength(1);
        expect(await webhooks.find(clientId)).toEqual(written[0]);
      }
      expect(await webhooks.replace(one)).toBeUndefined();
      expect(await webhooks.replace(webhookRecord({ version: 3 }))).toBeUndefined();
    });

    test("health is read as it was written, and a second writer gets the stored health", async () => {
      const first = endpointHealth({
        consecutiveFailures: 3,
        isFast: false,
        slots: { "a#1": 5.5, b: 6 },
      });
      const { clientId } = first;
      expect(await healthOf(clientId)).toBeUndefined();
      const stored = { ...first, version: 1 };
      expect(await health.replace(first)).toEqual({ written: stored });
      expect(await healthOf(clientId)).toEqual(stored);
      expect(await health.replace({ ...first, consecutiveFailures: 9 })).toEqual({ stored });
      const next = { ...stored, webhookId: "wh_next", slots: {} };
      expect(await health.replace(next)).toEqual({ written: { ...next, version: 2 } });
      expect(await health.replace(stored)).toEqual({ stored: { ...next, version: 2 } });
    });

    test("one of several concurrent writers of health succeeds", async () => {
      const first = endpointHealth();
      const results = await Promise.all(
        Array.from({ length: 5 }, (_, consecutiveFailures) =>
          health.replace({ ...first, consecutiveFailures }),
        ),
      );
      expect(results.filter((result) => "written" in result)).toHaveLength(1);
    });

    test("one call reads webhooks, health and cancelled requests for a whole batch", async () => {
      const [one, other] = [webhookRecord(), webhookRecord({ status: "deleted" })];
      const ofOne = endpointHealth({ clientId: one.clientId, webhookId: one.webhookId });
      await webhooks.replace(one);
      await webhooks.replace(other);
      await webhooks.replace(webhookRecord());
      await health.replace(ofOne);
      const [cancelled, queued, elsewhere] = [
        requestRecord(undefined, { status: "CANCELLED" }),
        requestRecord(),
        requestRecord(undefined, { status: "CANCELLED" }),
      ];
      for (const request of [cancelled, queued, elsewhere]) await keepRequest(request);
      const read = await inputs.read({
        clientIds: [one.clientId, other.clientId, one.clientId, "cl_none"],
        requestIds: [cancelled.requestId, queued.requestId, requestRecord().requestId, "", "odd"],
      });
      expect(read.webhooks).toEqual(
        new Map([
          [one.clientId, { ...one, version: 1 }],
          [other.clientId, { ...other, version: 1 }],
        ]),
      );
      expect(read.health).toEqual(new Map([[one.clientId, { ...ofOne, version: 1 }]]));
      expect(read.cancelledRequests).toEqual(new Set([cancelled.requestId]));
    });
  });
}
