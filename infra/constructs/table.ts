import { RemovalPolicy } from "aws-cdk-lib";
import {
  AttributeType,
  BillingMode,
  Table as DynamoTable,
  type ProjectionType,
  TableEncryption,
} from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import type { Binding, Permission } from "./binding.ts";

/** A table as `shared/contracts/tables.ts` describes it. Every partition key is a string. */
interface TableContract<Index extends string> {
  partitionKey: string;
  timeToLive?: string;
  indexes: Record<Index, IndexContract>;
}

interface IndexContract {
  name: string;
  partitionKey: string;
  sortKey: string;
  sortType: "S" | "N";
}

/** An item operation, as IAM names it after `dynamodb:`. */
type ItemAction = "GetItem" | "BatchGetItem" | "PutItem" | "UpdateItem" | "DeleteItem";

export interface TableProps<Index extends string> {
  contract: TableContract<Index>;
  /** What each index holds besides its keys. */
  projections: Record<Index, ProjectionType>;
  /** `RETAIN` also protects the table from deletion. */
  removalPolicy: RemovalPolicy;
}

/** A DynamoDB table on demand, restorable to any second of the last 35 days. */
export class Table<Index extends string> extends Construct {
  readonly table: DynamoTable;
  readonly #indexes: Record<Index, IndexContract>;

  constructor(scope: Construct, id: string, props: TableProps<Index>) {
    super(scope, id);
    const { contract, projections, removalPolicy } = props;
    this.#indexes = contract.indexes;
    this.table = new DynamoTable(this, "Table", {
      partitionKey: { name: contract.partitionKey, type: AttributeType.STRING },
      ...(contract.timeToLive === undefined ? {} : { timeToLiveAttribute: contract.timeToLive }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      encryption: TableEncryption.DEFAULT,
      deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
      removalPolicy,
    });
    for (const [key, index] of Object.entries<IndexContract>(contract.indexes)) {
      this.table.addGlobalSecondaryIndex({
        indexName: index.name,
        partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
        sortKey: {
          name: index.sortKey,
          type: index.sortType === "N" ? AttributeType.NUMBER : AttributeType.STRING,
        },
        projectionType: projections[key as Index],
      });
    }
  }

  /** The table's name, for a function that does these things to its items and queries these indexes. */
  access(actions: readonly ItemAction[], queried: readonly Index[] = []): Binding {
    const permissions: Permission[] = queried.map((key) => ({
      actions: ["dynamodb:Query"],
      resource: `${this.table.tableArn}/index/${this.#indexes[key].name}`,
    }));
    permissions.push({
      actions: actions.map((action) => `dynamodb:${action}`),
      resource: this.table.tableArn,
    });
    return { value: this.table.tableName, permissions };
  }
}
