import { overlapOf } from "../../connections/rotation.ts";
import type { Deliveries } from "../../deliveries/deliveries.ts";
import type { Webhooks } from "../../deliveries/webhooks/webhooks.ts";
import type { ApiHandlers } from "./api-operations.ts";

/** Handlers of Ackwire's own operations on webhooks and deliveries. */
export function webhookHandlers(deps: { webhooks: Webhooks; deliveries: Deliveries }) {
  const { webhooks, deliveries } = deps;
  const readRecovery = async (clientId: string, recoveryId: string) =>
    JSON.stringify(await deliveries.getRecovery(clientId, recoveryId));
  return {
    async putWebhook({ clientId, body, origin }) {
      const { isNew, ...webhook } = await webhooks.register(clientId, { ...body, origin });
      return isNew ? JSON.stringify(webhook) : { repeated: JSON.stringify(webhook) };
    },
    getWebhook: async ({ clientId }) => JSON.stringify(await webhooks.get(clientId)),
    updateWebhook: async ({ clientId, body, origin }) =>
      JSON.stringify(await webhooks.update(clientId, { ...body, origin })),
    async deleteWebhook({ clientId }) {
      await webhooks.delete(clientId);
      return undefined;
    },
    testWebhook: async ({ clientId }) => JSON.stringify(await webhooks.test(clientId)),
    rotateWebhookSecret: async ({ clientId, idempotencyKey, query }) =>
      JSON.stringify(
        await webhooks.rotateSecret(clientId, {
          idempotencyKey,
          ...overlapOf(query),
        }),
      ),
    listDeliveries: async ({ clientId, query }) =>
      JSON.stringify(await deliveries.list(clientId, query)),
    getDelivery: async ({ clientId, params }) =>
      JSON.stringify(await deliveries.get(clientId, params.id)),
    resendDelivery: async ({ clientId, params }) =>
      JSON.stringify(await deliveries.resend(clientId, params.id)),
    recoverDeliveries: async ({ clientId, body }) =>
      JSON.stringify(await deliveries.recover(clientId, body)),
    getRecovery: async ({ clientId, params }) => readRecovery(clientId, params.recoveryId),
    getRecoveryAtOldPath: async ({ clientId, params }) => readRecovery(clientId, params.recoveryId),
  } satisfies Partial<ApiHandlers>;
}
