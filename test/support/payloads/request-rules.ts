import { settingsSchema } from "../../../shared/contracts/settings.ts";
import { requestRulesOf } from "../../../shared/core/requests/state/request-rules.ts";

/** The rules of the default settings, without limits for accounts that have none of their own. */
export const requestRules = requestRulesOf(settingsSchema.parse({ defaultPreset: "off" }));
