import { makeMemoryEventClaims } from "../../shared/adapters/memory-event-claims.ts";
import { eventClaimsSuite } from "./event-claims.suite.ts";

eventClaimsSuite("in memory", async (options) => makeMemoryEventClaims(options));
