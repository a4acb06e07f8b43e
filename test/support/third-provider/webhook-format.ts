import type { ProviderWebhookFormat } from "../../../shared/core/providers/webhook-format.ts";

/** Acme tells its clients only how a job ended. */
export const acmeWebhookFormat: ProviderWebhookFormat = {
  hasHash: false,
  payloads: {
    "workflow.created": null,
    "workflow.started": null,
    "workflow.actionRequired": null,
    "workflow.completed": ({ envelope }) => `{"ended":${envelope}}`,
    "account.active": null,
    "account.reconnectionRequired": null,
    "account.frozen": null,
    "account.deleted": null,
    "message.reply": null,
    "connection.accepted": null,
    "webhook.test": ({ envelope }) => `{"test":${envelope}}`,
    "event.unrecognised": null,
  },
};
