import type { ProviderWebhookFormat } from "../../../shared/core/providers/webhook-format.ts";

/** Acme sends its clients only the end of a job. */
export const acmeWebhookFormat: ProviderWebhookFormat = {
  hasHash: false,
  payloads: {
    "workflow.created": null,
    "workflow.started": null,
    "workflow.actionRequired": null,
    "workflow.completed": ({ envelope }) => `{"ended":${envelope}}`,
    "workflow.lateResult": null,
    "account.active": null,
    "account.reconnectionRequired": null,
    "account.frozen": null,
    "account.deleted": null,
    "message.reply": null,
    "message.sent": null,
    "connection.accepted": null,
    "connection.added": null,
    "connection.requestReceived": null,
    "webhook.test": ({ envelope }) => `{"test":${envelope}}`,
    "event.unrecognised": null,
  },
};
