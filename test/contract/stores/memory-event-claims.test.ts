import { makeMemoryEventClaims } from "../../support/memory/memory-event-claims.ts";
import { eventClaimsSuite } from "../suites/event-claims.suite.ts";

eventClaimsSuite("in memory", async (options) => makeMemoryEventClaims(options));
