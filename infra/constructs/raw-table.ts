import { Aws } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-glue';
import { Construct } from 'constructs';
import { hiveType, readType } from '../../functions/core/column-type.ts';

export interface RawTableProps {
  database: string;
  /** As the models name it. */
  table: string;
  /** Names and types as the models' builder has them: `varchar`, `double`, `boolean`, `struct(a varchar, b boolean)`. */
  columns: Readonly<Record<string, string>>;
  bucketName: string;
  /** Where its objects lie, such as `raw/events/`. */
  prefix: string;
  /** Where the next part of the key is a UTC day: its column, and the first day there is. */
  days?: { column: string; from: string };
}

/**
 * JSON Lines in the lake as a table. Days are projected from the table's properties: no crawler, no partition is ever
 * registered, and a query that names its days lists those alone.
 */
export class RawTable extends Construct {
  readonly table: CfnTable;

  constructor(scope: Construct, id: string, props: RawTableProps) {
    super(scope, id);
    const location = `s3://${props.bucketName}/${props.prefix}`;
    const { days } = props;
    const projection: Record<string, string> =
      days === undefined
        ? {}
        : {
            'projection.enabled': 'true',
            [`projection.${days.column}.type`]: 'date',
            [`projection.${days.column}.format`]: 'yyyy-MM-dd',
            [`projection.${days.column}.range`]: `${days.from},NOW`,
            [`projection.${days.column}.interval`]: '1',
            [`projection.${days.column}.interval.unit`]: 'DAYS',
            'storage.location.template': `${location}\${${days.column}}/`,
          };
    this.table = new CfnTable(this, 'Table', {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: props.database,
      tableInput: {
        name: props.table,
        tableType: 'EXTERNAL_TABLE',
        parameters: { EXTERNAL: 'TRUE', classification: 'json', ...projection },
        ...(days === undefined ? {} : { partitionKeys: [{ name: days.column, type: 'string' }] }),
        storageDescriptor: {
          columns: Object.entries(props.columns).map(([name, type]) => ({ name, type: hiveType(readType(type)) })),
          location,
          inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
          serdeInfo: { serializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
        },
      },
    });
  }
}
