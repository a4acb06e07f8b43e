import { makeMemoryRequests } from "../../support/memory/memory-requests.ts";
import { correlationStoreSuite } from "../suites/correlation-store.suite.ts";
import { laneStoreSuite } from "../suites/lane-store.suite.ts";
import { referenceStoreSuite } from "../suites/reference-store.suite.ts";
import { requestStoreSuite } from "../suites/request-store.suite.ts";

requestStoreSuite("in memory", async ({ clock }) => makeMemoryRequests({ clock, retentionMs: 1 }));
laneStoreSuite("in memory", async ({ clock }) => makeMemoryRequests({ clock, retentionMs: 1 }));
referenceStoreSuite("in memory", async (options) => makeMemoryRequests(options));
correlationStoreSuite("in memory", async (options) => makeMemoryRequests(options));
