import { RemovalPolicy } from "aws-cdk-lib";
import {
  AttributeType,
  BillingMode,
  Table as DynamoTable,
  ProjectionType,
  TableEncryption,
} from "aws-cdk-lib/aws-dynamodb";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import type { Binding, Permission } from "./binding.ts";

/** A table as `shared/contracts/tables.ts` describes it. Every key of the table itself is a string. */
interface TableContract<Index extends string, LocalIndex extends string> {
  partitionKey: string;
  sortKey?: string;
  timeToLive?: string;
  indexes: Record<Index, IndexContract & { partitionKey: string }>;
  /** With the table's own partition key, and as consistent as the table itself. */
  localIndexes?: Record<LocalIndex, IndexContract>;
}

interface IndexContract {
  name: string;
  sortKey: string;
  sortType: "S" | "N";
}

/** What an index holds: only its keys, every attribute, or its keys and these. */
export type Projection = "KEYS_ONLY" | "ALL" | readonly string[];

/** An item operation, as IAM names it after `dynamodb:`. */
type ItemAction =
  | "GetItem"
  | "BatchGetItem"
  | "PutItem"
  | "UpdateItem"
  | "DeleteItem"
  | "BatchWriteItem"
  | "Query";

export interface TableProps<Index extends string, LocalIndex extends string> {
  contract: TableContract<Index, LocalIndex>;
  projections: Record<NoInfer<Index | LocalIndex>, Projection>;
  /** `RETAIN` also protects the table from deletion. */
  removalPolicy: RemovalPolicy;
  /** @default - DynamoDB's own key */
  encryptionKey?: IKey | undefined;
}

/**
 * A DynamoDB table on demand, restorable to any second of the last 35 days. Its
 * local indexes are frozen: CloudFormation replaces a table to change them.
 */
export class Table<Index extends string, LocalIndex extends string = never> extends Construct {
  readonly table: DynamoTable;
  readonly #partitionKey: string;
  readonly #indexes: Record<string, IndexContract>;
  readonly #localIndexes: ReadonlySet<string>;

  constructor(scope: Construct, id: string, props: TableProps<Index, LocalIndex>) {
    super(scope, id);
    const { contract, removalPolicy, encryptionKey } = props;
    const projections: Record<string, Projection> = props.projections;
    const localIndexes: Record<string, IndexContract> = contract.localIndexes ?? {};
    this.#partitionKey = contract.partitionKey;
    this.#indexes = { ...contract.indexes, ...localIndexes };
    this.#localIndexes = new Set(Object.keys(localIndexes));
    this.table = new DynamoTable(this, "Table", {
      partitionKey: text(contract.partitionKey),
      ...(contract.sortKey === undefined ? {} : { sortKey: text(contract.sortKey) }),
      ...(contract.timeToLive === undefined ? {} : { timeToLiveAttribute: contract.timeToLive }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      ...(encryptionKey === undefined
        ? { encryption: TableEncryption.DEFAULT }
        : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
    const globalIndexes: TableContract<string, never>["indexes"] = contract.indexes;
    for (const [key, index] of Object.entries(globalIndexes)) {
      this.table.addGlobalSecondaryIndex({
        ...described(index, projections[key]),
        partitionKey: text(index.partitionKey),
      });
    }
    for (const [key, index] of Object.entries(localIndexes)) {
      this.table.addLocalSecondaryIndex(described(index, projections[key]));
    }
  }

  /**
   * The table's name, for a function that does these things to its items and queries these
   * indexes. The query of a local index may read whole items from the table, so that its
   * permission names the table too; that of a global index reads the index alone.
   */
  access(actions: readonly ItemAction[], queried: readonly (Index | LocalIndex)[] = []): Binding {
    const permissions: Permission[] = queried.map((key) => ({
      actions: ["dynamodb:Query"],
      resource: [
        `${this.table.tableArn}/index/${this.#indexes[key]?.name}`,
        ...(this.#localIndexes.has(key) ? [this.table.tableArn] : []),
      ],
    }));
    permissions.push({
      actions: actions.map((action) => `dynamodb:${action}`),
      resource: this.table.tableArn,
    });
    return { value: this.table.tableName, permissions };
  }

  /**
   * The table's name, for a function that does these things to its items, and in the items whose
   * partition begins so sets these attributes and no other.
   *
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
   */
  accessAndSet(
    actions: readonly ItemAction[],
    { below, attributes }: { below: string; attributes: readonly string[] },
  ): Binding {
    const { value, permissions } = this.access(actions);
    const setting: Permission = {
      actions: ["dynamodb:UpdateItem"],
      resource: this.table.tableArn,
      conditions: {
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [`${below}*`] },
        "ForAllValues:StringEquals": { "dynamodb:Attributes": [this.#partitionKey, ...attributes] },
        // An answer with the whole item would show the attributes that may not be read.
        StringEqualsIfExists: { "dynamodb:ReturnValues": ["NONE"] },
      },
    };
    return { value, permissions: [...permissions, setting] };
  }

  /** The table's name, for a function that does these things, and deletes only in this partition. */
  accessAndDeleteIn(actions: readonly ItemAction[], partition: string): Binding {
    const { value, permissions } = this.access(actions);
    const deleting: Permission = {
      actions: ["dynamodb:DeleteItem"],
      resource: this.table.tableArn,
      conditions: { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [partition] } },
    };
    return { value, permissions: [...permissions, deleting] };
  }

  /** The table's name, for a function that stores items only in partitions that begin so. */
  writesBelow(prefix: string): Binding {
    const conditions = { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [`${prefix}*`] } };
    const actions = ["dynamodb:BatchWriteItem"];
    const resource = this.table.tableArn;
    return { value: this.table.tableName, permissions: [{ actions, resource, conditions }] };
  }
}

const text = (name: string) => ({ name, type: AttributeType.STRING });

function described({ name, sortKey, sortType }: IndexContract, projection: Projection = "ALL") {
  return {
    indexName: name,
    sortKey: {
      name: sortKey,
      type: sortType === "N" ? AttributeType.NUMBER : AttributeType.STRING,
    },
    ...(typeof projection === "string"
      ? { projectionType: ProjectionType[projection] }
      : { projectionType: ProjectionType.INCLUDE, nonKeyAttributes: [...projection] }),
  };
}
