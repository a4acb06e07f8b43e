import type { EventTypeFilter } from "../../../contracts/event-type-filter.ts";
import type { WebhookView } from "../../../contracts/http/webhooks.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type { Webhooks } from "../../deliveries/webhooks/webhooks.ts";
import type {
  DialectWebhook,
  DialectWebhookSettings,
  DialectWebhooks,
} from "../../providers/dialect.ts";

/** The use cases on the client's webhook, as the dialect of one provider sees them. */
export function dialectWebhooks(provider: ProviderId, webhooks: Webhooks): DialectWebhooks {
  const shown = <View extends WebhookView>({ signedAs, ...view }: View) => ({
    ...view,
    isSignedAsProvider: signedAs === provider,
  });
  return {
    async register(clientId, { isSignedAsProvider, ...webhook }) {
      const registered = await webhooks.register(clientId, {
        ...filtered(webhook),
        ...(isSignedAsProvider ? { signedAs: provider } : {}),
      });
      return shown(registered);
    },
    get: async (clientId) => shown(await webhooks.get(clientId)),
    async update(clientId, { isSignedAsProvider, ...change }, webhookId) {
      const signedAs = isSignedAsProvider === false ? null : provider;
      const wanted = {
        ...filtered(change),
        ...(isSignedAsProvider === undefined ? {} : { signedAs }),
      };
      return shown(await webhooks.update(clientId, wanted, webhookId));
    },
    delete: (clientId, webhookId) => webhooks.delete(clientId, webhookId),
    revealSecret: async (clientId, webhookId) =>
      shown(await webhooks.revealSecret(clientId, webhookId)),
    async rotateSecret(clientId, webhookId): Promise<DialectWebhook & { secret: string }> {
      const { secret } = await webhooks.rotateSecret(clientId, { webhookId });
      return { ...shown(await webhooks.get(clientId)), secret };
    },
    test: (clientId) => webhooks.test(clientId),
  };
}

/** The dialect's contract has checked the filters. */
function filtered<Of extends Pick<DialectWebhookSettings, "eventTypes">>(of: Of) {
  return of as Omit<Of, "eventTypes"> & { eventTypes?: readonly EventTypeFilter[] };
}
