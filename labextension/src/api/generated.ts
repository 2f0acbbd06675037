// Written by scripts/generate_client.py from the declared operations. Do not edit.

/** A number as it travels: JSON has no NaN and no infinity. */
export type Real = number | 'NaN' | 'Infinity' | '-Infinity';

/** One page of a list; `next` is the cursor of the following one, empty on the last. */
export interface Page<T> {
  items: T[];
  next: string;
}

export interface AcknowledgeAlert {
  /** Id of the alert */
  alert: string;
  comment?: string;
}

export interface AddMonitor {
  /** Its name */
  monitor: string;
  /** What is judged: drift, quality, or performance */
  kind?: 'drift' | 'quality' | 'performance';
  /** Dataset version or stored reference to compare with; the model's training data when left out */
  reference?: string;
  /** Of drift: blob of a stored reference, whose name `reference` then is */
  profile?: string | null;
  /** Name of a dataset whose new versions are watched */
  data?: string;
  /** Watch the features that the model's predictions log */
  predictions?: boolean;
  /** The model that this concerns, such as delay@production */
  model?: string;
  /** Which; those of the reference when left out */
  columns?: string[];
  /** Columns to compare as categories, whatever their type */
  categorical?: string[];
  /** Columns to compare as numbers, whatever their type */
  numeric?: string[];
  /** Which; all when left out */
  statistics?: string[];
  /** How much columns matter; ranks what drifted */
  importance?: Record<string, Real>;
  /** Chance of any false alarm in so many windows in a row */
  alpha?: Real;
  /** How many windows share alpha, such as 52 weeks */
  windows?: number;
  /** Least PSI that matters */
  bound?: Real;
  /** Of drift: also ask a classifier about all columns together */
  together?: boolean;
  /** Of drift: columns whose words that classifier compares */
  text?: string[];
  /** Of drift: only the reference's same months or weekdays; needs `at` */
  season?: '' | 'month' | 'weekday';
  /** Of quality: columns whose values together may not repeat */
  keys?: string[];
  /** Of quality, or with season: column that says when a row is of */
  at?: string;
  /** Of quality: how old the newest row may be, such as 2d */
  max_age?: string;
  /** Of quality: rise of a share missing that matters */
  missing?: Real;
  /** Of quality: share outside the reference's range or labels that matters */
  outside?: Real;
  /** Of quality: factor by which rows may be more or fewer */
  volume?: Real;
  /** Of performance: metric that is held to a band; auc when left out */
  metric?: string;
  /** Of performance: the worst that the metric may be */
  limit?: Real | null;
  /** Of performance: window of the model whose measured interval is the band */
  against?: string;
  /** Of performance: by how much worse it may be than the band */
  tolerance?: Real;
  /** Of a stream: how long one is, such as 1d; or '10000 rows' */
  window?: string;
  /** Of a stream: how long after its end a window waits for late rows */
  grace?: string;
  /** Of a stream: rows up to which a window is kept whole */
  exact_rows?: number;
  /** When it runs by the clock, such as '0 6 * * *' or @daily */
  cron?: string;
  /** Time zone in which cron is read */
  tz?: string;
  /** Of a dataset without cron: judge each new version */
  on_new_data?: boolean;
  /** Of its alerts; by the estimated impact on the model when left out */
  severity?: 'impact' | 'info' | 'warning' | 'critical';
  /** Channels that are told; all when left out */
  channels?: string[];
  /** Pipeline, or notebook, that an alert starts */
  retrain?: string;
  /** For what an alert starts; '{window}' and the like are filled from the alert */
  parameters?: Record<string, unknown>;
  /** File that declares it; a tick keeps it as that file says */
  declared_in?: string;
}

export interface AddSchedule {
  /** Its name */
  schedule: string;
  /** Path of the notebook, relative to the workspace's folder */
  notebook?: string;
  /** A pipeline instead of a notebook */
  pipeline?: string;
  /** Minute hour day month weekday, such as '0 6 * * 1-5'; or @daily and the like */
  cron: string;
  /** Time zone in which the expression is read, such as Europe/Berlin */
  tz?: string;
  /** Values for what is run; '{scheduled_for}' and '{day}' give the instant and its date */
  parameters?: Record<string, unknown>;
  /** What is done with instants found late: skip them, run the newest once, or run all */
  misfire?: 'skip' | 'once' | 'all';
  /** With misfire = all, the newest so many */
  catch_up?: number;
  /** With misfire = skip, what still counts as in time */
  grace_seconds?: Real;
  /** Start even while the run before is under way */
  overlap?: boolean;
  /** The experiment that the runs belong to */
  experiment?: string;
  /** Kernel to use instead of the notebook's own */
  kernel?: string;
  /** Stop a run after so long */
  timeout_seconds?: Real | null;
  /** How often a run that died is tried */
  max_attempts?: number;
  /** Of its jobs */
  priority?: number;
  /** Lists of values, by parameter: a sweep of the notebook over their product */
  grid?: Record<string, unknown>;
  /** Memory that a run may use, such as 2GiB; that of mlops.toml if empty */
  memory?: string;
  /** What limits in mlops.toml may count its jobs by */
  tags?: string[];
  /** Give the earlier run of a notebook when all is as before */
  cache?: boolean;
  /** Names whose values are secret; from the environment of who runs the jobs */
  secrets?: string[];
  /** File that declares it; a tick keeps it as that file says */
  declared_in?: string;
}

/** Something that a monitor wants a person or a trigger to act on; what repeats in later windows joins it. */
export interface Alert {
  id: string;
  monitor: string;
  model: string;
  kind: 'estimated_impact' | 'performance_loss' | 'drift' | 'data_quality' | 'bias';
  window: string;
  windows: string[];
  severity: 'info' | 'warning' | 'critical';
  message: string;
  report: string;
  details: Record<string, unknown>;
  channels: string[];
  state: 'open' | 'acknowledged' | 'resolved' | 'muted';
  created_at: string;
  created_by: string;
  seen_at: string;
  acknowledged_at: string | null;
  acknowledged_by: string;
  resolved_at: string | null;
  resolved_by: string;
  comment: string;
}

/** Where an alias points, and where it pointed before. */
export interface AliasMove {
  model: string;
  alias: string;
  version: number | null;
  previous: number | null;
}

/** The policy in force; `digest` is empty while the built-in one is. */
export interface AppliedPolicy {
  policy: Policy;
  digest: string;
  applied_at: string | null;
  applied_by: string;
}

export interface ApplyPolicy {
  policy: PolicyInput;
}

/** What somebody said to a promotion; it holds for one content and one policy. */
export interface Approval {
  by: string;
  decision: 'approved' | 'rejected';
  auth: string;
  comment: string;
  digest: string;
  policy: string;
  at: string;
}

export interface Approve {
  /** Id, its first digits, or name@environment for the one that waits there */
  promotion: string;
  /** Why */
  comment?: string;
}

/** A file that a run made. */
export interface Artifact {
  path: string;
  digest: string;
  size: number;
}

export interface AttachNotebook {
  /** Id of the run */
  run: string;
  /** Blob of the executed notebook */
  output: string;
}

export interface AttachSignature {
  /** Reference of the version */
  model: string;
  /** Blob of the signature bundle, as model-signing writes it */
  signature: string;
  /** PEM of the key that checks it */
  public_key: string;
}

/** How a version treats groups in a window. */
export interface BiasReport {
  model: string;
  window: string;
  rows: number;
  label_coverage: Real;
  disparities: Disparity[];
  groups: GroupRates[];
  suppressed: string[];
  method: string;
  report: string;
}

export interface BreakGlass {
  /** Reference of the version to promote */
  model: string;
  /** Environment that shall serve it, or guarded alias that shall point at it */
  to: string;
  /** Why it cannot wait */
  comment: string;
}

export interface CancelJob {
  /** Id of the job */
  job: string;
}

export interface CancelJobs {
  /** Ids of the jobs */
  jobs: string[];
}

/** One dataset version that the model was trained on. */
export interface CardData {
  ref: string;
  digest: string;
  rows: number | null;
  columns: number | null;
}

/** What only a person can say; the text is empty until somebody does. */
export interface CardField {
  name: string;
  title: string;
  text: string;
}

/** One look at the version in use, or at its decisions. */
export interface CardReport {
  id: string;
  kind: string;
  window: string;
  status: string;
  at: string;
}

/** A value before and after; `None` is a null, a hidden value is `•••`. */
export interface Cell {
  column: string;
  before: string | null;
  after: string | null;
}

/** What became of one code cell of the source notebook; cells count from 1. */
export interface CellStateInput {
  cell: number;
  status: 'ok' | 'failed' | 'interrupted' | 'not_run';
  seconds?: Real | null;
}

/** What became of one code cell of the source notebook; cells count from 1. */
export interface CellState {
  cell: number;
  status: 'ok' | 'failed' | 'interrupted' | 'not_run';
  seconds: Real | null;
}

export interface ChangeDatasetState {
  /** Name of the dataset, or reference of a version: name@3 */
  dataset: string;
  /** Why */
  comment?: string;
}

export interface ChangeExperimentState {
  /** Name of the experiment */
  experiment: string;
  /** Why */
  comment?: string;
}

export interface ChangeRunState {
  /** Id of the run, or run:ID */
  run: string;
  /** Why */
  comment?: string;
}

export interface ChangeState {
  /** Name of the model, or reference of a version: name@3 */
  model: string;
  /** Why */
  comment?: string;
}

export interface CheckEvidence {
  /** Reference of the version */
  model: string;
  /** Name of the profile */
  profile?: string;
}

export interface CheckGates {
  /** Reference of the version */
  model: string;
  /** Environment or guarded alias whose gates to ask */
  to: string;
}

/** What checking a version, or a file, found. */
export interface CheckedDatasetInput {
  checked: string;
  passed: boolean;
  rules: number;
  rows: number;
  failures?: FailureInput[];
  expectations?: ExpectationsInput;
}

/** What checking a version, or a file, found. */
export interface CheckedDataset {
  checked: string;
  passed: boolean;
  rules: number;
  rows: number;
  failures: Failure[];
  expectations: Expectations;
}

/** A column whose values are hidden. */
export interface ClassedColumn {
  column: string;
  kind: 'pii' | 'restricted';
  origin: string;
}

export interface Classify {
  /** Name of the dataset; the classes hold for all of its versions */
  dataset: string;
  /** Class of each column: pii, restricted, or open to take one back */
  classes: Record<string, 'pii' | 'restricted' | 'open'>;
}

/** One column: its canonical logical type and the digest of its values. */
export interface Column {
  name: string;
  type: string;
  nulls: number;
  digest: string;
}

/** A column that is new, gone, of another type or at another place. */
export interface ColumnChange {
  column: string;
  change: 'added' | 'removed' | 'retyped' | 'moved';
  before: string;
  after: string;
  compared: boolean;
}

/** The classes of a dataset's columns, in all of its versions. */
export interface ColumnClasses {
  dataset: string;
  columns: ClassedColumn[];
}

/** What one column is held to. */
export interface ColumnExpectationsInput {
  type?: string;
  nullable?: boolean;
  unique?: boolean;
  checks?: Record<string, unknown>;
}

/** What one column is held to. */
export interface ColumnExpectations {
  type: string;
  nullable: boolean;
  unique: boolean;
  checks: Record<string, unknown>;
}

/** What one column holds. */
export interface ColumnProfile {
  name: string;
  type: string;
  digest: string;
  kind: 'number' | 'time' | 'text' | 'truth' | 'bytes' | 'nested' | 'empty';
  rows: number;
  missing: number;
  distinct: number | null;
  distinct_error: Real;
  low: string;
  middle: string;
  high: string;
  mean: Real | null;
  deviation: Real | null;
  quantiles: Real[];
  edges: Real[];
  counts: number[];
  top: Top[];
  personal: mlops_ext__datasets__profile__types__Finding[];
  roles: string[];
  problem: string;
  hidden: string;
}

/** Make the content of a manifest the next version. */
export interface CommitDataset {
  name: string;
  manifest: string;
  description?: string;
  tags?: Record<string, string>;
  /** Columns that tell rows apart */
  primary_key?: string[];
  /** Sources, query and cell that made it */
  origin?: OriginInput;
  /** Id of the run that made it */
  run?: string;
}

/** Which version to compact. */
export interface Compact {
  /** Reference: name, name@3, name@b3:… */
  dataset: string;
  /** One file in all, whatever its size */
  one_file?: boolean;
}

/** Two versions, of one model or of two. */
export interface CompareVersions {
  /** Reference of the version to start from */
  model: string;
  /** Reference of the version to compare it with */
  other: string;
}

/** One metric of a version and of what came out when it was made again. */
export interface ComparedMetric {
  name: string;
  before?: Real | null;
  after?: Real | null;
  difference?: Real | null;
  within: boolean;
}

/** What both models answered to the same rows. */
export interface ComparedPredictions {
  dataset: string;
  rows?: number;
  answers?: number;
  different?: number;
  largest?: Real | null;
  why_not?: string;
}

/** That the trail only grew from its first root to its second. */
export interface ConsistencyProof {
  workspace: string;
  first: number;
  first_root: string;
  second: number;
  second_root: string;
  path: string[];
}

export interface CreateExperiment {
  /** Name of the experiment */
  experiment: string;
  tags?: Record<string, string>;
}

/** What rows were read from: a file, an object, a table of a lake or a database. Never with credentials. */
export interface DataSourceInput {
  kind: string;
  location: string;
  version?: string;
  digest?: string;
  bytes?: number;
}

/** What rows were read from: a file, an object, a table of a lake or a database. Never with credentials. */
export interface DataSource {
  kind: string;
  location: string;
  version: string;
  digest: string;
  bytes: number;
}

/** A dataset: a name and its line of versions. */
export interface Dataset {
  name: string;
  description: string;
  latest: number;
  state: 'active' | 'archived' | 'deleted';
  tags: Record<string, string>;
  aliases: Record<string, number>;
  rows: number;
  digest: string | null;
  created_at: string;
  updated_at: string;
}

/** Where an alias points, and where it pointed before. */
export interface DatasetAliasMove {
  dataset: string;
  alias: string;
  version: number | null;
  previous: number | null;
}

/** What is written about a dataset or one version. */
export interface DatasetDescription {
  ref: string;
  description: string;
}

/** What changed from one version to another; counts are exact, rows a sample. */
export interface DatasetDiff {
  before: string;
  after: string;
  equal: boolean;
  key: string[];
  key_from: 'given' | 'stored' | 'inferred' | 'none';
  rows_before: number;
  rows_after: number;
  added: number;
  removed: number;
  changed: number;
  unchanged: number;
  reordered: boolean;
  rows_read: number;
  columns: ColumnChange[];
  shifts: Shift[];
  sample: RowChange[];
  hidden: string[];
}

/** A version of a dataset as a remote holds it. */
export interface DatasetEntryInput {
  format?: string;
  kind?: 'dataset';
  name: string;
  version: number;
  digest: string;
  blobs: Record<string, number>;
  needs?: string[];
  record: VersionRecordInput;
}

/** A version of a dataset as a remote holds it. */
export interface DatasetEntry {
  format: string;
  kind: 'dataset';
  name: string;
  version: number;
  digest: string;
  blobs: Record<string, number>;
  needs: string[];
  record: VersionRecord;
}

/** Some rows of one Parquet file: part of a version. */
export interface DatasetFile {
  path: string;
  url: string;
  digest: string;
  first: number;
  rows: number;
  whole: boolean;
  bytes: number;
  names: string[];
}

/** The Parquet files of one version: for each group of columns, in the order of their rows. */
export interface DatasetFiles {
  ref: string;
  plain: boolean;
  files: DatasetFile[];
}

/** What is said of a dataset as a whole. */
export interface DatasetRecordInput {
  description?: string;
  tags?: Record<string, string>;
  expectations?: ExpectationsInput;
  classes?: Record<string, 'pii' | 'restricted'>;
}

/** What is said of a dataset as a whole. */
export interface DatasetRecord {
  description: string;
  tags: Record<string, string>;
  expectations: Expectations;
  classes: Record<string, 'pii' | 'restricted'>;
}

/** The state that a dataset or one version is in now, and the one before. */
export interface DatasetStateChange {
  ref: string;
  state: 'active' | 'archived' | 'deleted';
  previous: 'active' | 'archived' | 'deleted';
}

/** All tags of a dataset or of one version. */
export interface DatasetTags {
  ref: string;
  tags: Record<string, string>;
}

/** One snapshot. Equal content and representation never make two versions in a row. */
export interface DatasetVersion {
  name: string;
  version: number;
  digest: string;
  representation: string;
  manifest: string;
  kind: string;
  rows: number;
  bytes: number;
  schema: Column[];
  description: string;
  tags: Record<string, string>;
  aliases: string[];
  state: 'active' | 'archived' | 'deleted';
  removed_at: string | null;
  checked: string;
  primary_key: string[];
  by_reference: boolean;
  origin: Origin;
  run: string;
  created_at: string;
  created_by: string;
}

/** Define a view; an equal definition makes no new version. */
export interface DefineFeatureView {
  name: string;
  dataset: string;
  entity: string[];
  time: string;
  created?: string;
  /** How old a row may be, seconds; nothing = any age */
  ttl_seconds?: Real | null;
  features: string[];
  description?: string;
}

export interface DeleteAlias {
  /** Name of the model */
  model: string;
  /** The pointer to take away */
  alias: string;
}

export interface DeleteDatasetAlias {
  /** Name of the dataset */
  dataset: string;
  /** The pointer to take away */
  alias: string;
}

export interface DeleteDatasetTag {
  /** Name of the dataset, or reference of a version: name@3 */
  dataset: string;
  /** The tag to take away */
  key: string;
}

export interface DeleteExperimentTag {
  /** Name of the experiment */
  experiment: string;
  key: string;
}

export interface DeleteRunTag {
  /** Id of the run, or run:ID */
  run: string;
  key: string;
}

export interface DeleteTag {
  /** Name of the model, or reference of a version: name@3 */
  model: string;
  /** The tag to take away */
  key: string;
}

/** A webhook's message that was accepted. */
export interface Delivery {
  webhook: string;
  id: string;
  received_at: string;
}

/** One entry of an environment's history: what it served from then on. */
export interface Deployment {
  model: string;
  environment: string;
  version: number;
  previous: number | null;
  action: 'promote' | 'rollback';
  comment: string;
  gates: GateResult[];
  promotion: string;
  created_at: string;
  created_by: string;
}

export interface Describe {
  /** Name of the model, or reference of a version: name@3 */
  model: string;
  /** Markdown; empty takes it away */
  description: string;
}

export interface DescribeDataset {
  /** Name of the dataset, or reference of a version: name@3 */
  dataset: string;
  /** Markdown; empty takes it away */
  description: string;
}

/** What is written about a model or one version. */
export interface Description {
  ref: string;
  description: string;
}

export interface DiffDatasets {
  /** Reference: flights@2 */
  before: string;
  /** Reference: flights@3, of the same dataset or another */
  after: string;
  /** Columns that tell rows apart */
  key?: string[];
  /** How many rows of each kind of change to show */
  sample?: number;
}

/** One thing that is not the same; an empty side lacks it. */
export interface DifferenceInput {
  about: 'parameter' | 'metric' | 'signature' | 'input' | 'schema' | 'environment' | 'package' | 'code' | 'file';
  name: string;
  before?: string;
  after?: string;
}

/** One thing that is not the same; an empty side lacks it. */
export interface Difference {
  about: 'parameter' | 'metric' | 'signature' | 'input' | 'schema' | 'environment' | 'package' | 'code' | 'file';
  name: string;
  before: string;
  after: string;
}

/** One measure between the groups of a column, as Fairlearn defines it. */
export interface Disparity {
  by: string;
  measure: string;
  value: Rate;
  lowest: string;
  highest: string;
}

export interface DrawFigure {
  /** Name of the model */
  model: string;
  /** What to draw */
  figure: 'metric' | 'drift' | 'column' | 'reliability' | 'gain' | 'together';
  /** Which metric; of `metric` and `gain` */
  metric?: string;
  /** Which window; the newest when left out; of `column`, `reliability` and `together` */
  window?: string;
  /** Which column; of `column` */
  column?: string;
  /** Only the rows of a slice, such as origin=EWR; of `metric` and `column` */
  slice?: string;
  /** Colours */
  template?: 'light' | 'dark' | 'any' | 'none';
  /** How many windows at most, the newest */
  most?: number;
}

/** One statistic of one column; every constant that it used stands in `parameters`. */
export interface DriftRowInput {
  column: string;
  statistic: string;
  value: Real;
  p_value?: Real | null;
  parameters?: Record<string, unknown>;
}

/** One statistic of one column; every constant that it used stands in `parameters`. */
export interface DriftRow {
  column: string;
  statistic: string;
  value: Real;
  p_value: Real | null;
  parameters: Record<string, unknown>;
}

/** That one step waits for another, and for the sake of what. */
export interface Edge {
  before: string;
  after: string;
  through: string[];
}

export interface EndImportedRun {
  /** Id of the run */
  run: string;
  /** Where it comes from, as the import writes it */
  source: string;
  /** Id of the run there */
  source_id: string;
  status: 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'kernel_died' | 'lost';
  error?: string;
  ended_at?: string | null;
  /** Whether it is deleted there */
  deleted?: boolean;
}

export interface EnterExperiment {
  /** Name of the experiment, here */
  experiment: string;
  /** Where it comes from, as the import writes it */
  source: string;
  /** Id of the experiment there */
  source_id: string;
  tags?: Record<string, string>;
  /** Whether it is deleted there */
  deleted?: boolean;
}

export interface EnterModel {
  /** Name of the model, here */
  model: string;
  /** Where it comes from, as the import writes it */
  source: string;
  /** Name of the model there, when it differs */
  name?: string;
  description?: string;
  tags?: Record<string, string>;
  /** Alias to the version's number, here */
  aliases?: Record<string, number>;
}

export interface EnterVersion {
  /** Where it comes from, as the import writes it */
  source: string;
  /** Its number there; the next one here when that is taken */
  number: number;
  /** Name of the model there, when it differs */
  name?: string;
  model: Register;
  created_at: string;
}

/** What a thing of another registry became here. */
export interface Entered {
  source: string;
  kind: 'experiment' | 'open' | 'run' | 'model' | 'version' | 'alias';
  source_id: string;
  subject: string;
  imported_at: string;
}

/** What came over of a model itself. */
export interface EnteredModel {
  model: string;
  aliases: Record<string, number>;
  refused: Record<string, string>;
}

/** What was installed: exact versions, interpreter and platform. */
export interface EnvironmentLockInput {
  python: string;
  platform: string;
  packages: Record<string, string>;
  sources?: Record<string, string>;
}

/** What was installed: exact versions, interpreter and platform. */
export interface EnvironmentLock {
  python: string;
  platform: string;
  packages: Record<string, string>;
  sources: Record<string, string>;
}

export interface EraseData {
  /** Numbers of the events */
  seqs: number[];
  /** Why; it stays in the trail */
  reason: string;
}

/** Whose data was erased; the events and their digests stay, so that the chain holds. */
export interface Erasure {
  erased: number[];
  already: number[];
  reason: string;
}

/** One line of the audit trail. */
export interface Event {
  seq: number;
  time: string;
  actor: string;
  auth: string;
  action: string;
  subject: string;
  data: Record<string, unknown>;
  hash: string;
}

/** Whether one piece of evidence is on record. */
export interface Evidence {
  needs: string;
  rule: string;
  about: string;
  status: 'present' | 'missing' | 'stale';
  detail: string;
  at: string | null;
}

/** Which evidence a profile asks for is present, missing or stale; never whether anything complies. */
export interface EvidenceReport {
  model: string;
  version: number;
  profile: string;
  title: string;
  note: string;
  present: number;
  missing: number;
  stale: number;
  items: Evidence[];
}

/** How the code ran that made a version, and what speaks against running it again. */
export interface ExecutionInput {
  kind: 'clean' | 'interactive' | 'script';
  reasons?: string[];
}

/** How the code ran that made a version, and what speaks against running it again. */
export interface Execution {
  kind: 'clean' | 'interactive' | 'script';
  reasons: string[];
}

export interface Expect {
  /** Name of the dataset */
  dataset: string;
  /** What its versions are held to; empty takes them away */
  expectations: ExpectationsInput;
}

/** What every version of a dataset is held to. */
export interface ExpectationsInput {
  columns?: Record<string, ColumnExpectationsInput>;
  min_rows?: number | null;
  max_rows?: number | null;
  no_others?: boolean;
}

/** What every version of a dataset is held to. */
export interface Expectations {
  columns: Record<string, ColumnExpectations>;
  min_rows: number | null;
  max_rows: number | null;
  no_others: boolean;
}

/** A group of runs that are meant to be compared. */
export interface Experiment {
  id: string;
  name: string;
  runs: number;
  tags: Record<string, string>;
  state: 'active' | 'deleted';
  created_at: string;
  updated_at: string;
}

/** A rule that is not met. */
export interface FailureInput {
  column: string;
  rule: string;
  count: number;
  share: Real;
  rows?: string[];
}

/** A rule that is not met. */
export interface Failure {
  column: string;
  rule: string;
  count: number;
  share: Real;
  rows: string[];
}

/** What gc would do with one version, and why. */
export interface Fate {
  ref: string;
  goes: boolean;
  why: string;
  bytes: number;
}

/** Columns of a dataset that can be joined as they were known at a moment. */
export interface FeatureView {
  name: string;
  version: number;
  dataset: string;
  entity: string[];
  time: string;
  created: string;
  ttl_seconds: Real | null;
  features: string[];
  description: string;
  created_at: string;
  created_by: string;
}

/** One named, typed column of a signature. */
export interface Field {
  name: string;
  type: string;
}

/** A figure, as plotly draws it. */
export interface Figure {
  title: string;
  caption: string;
  figure: Record<string, unknown>;
}

/** A signature over the files of one version. */
export interface FilesSignature {
  model: string;
  digest: string;
  signature: string;
  public_key: string;
  signed_at: string;
  signed_by: string;
}

/** What could run code when one file of a model is read, or why that cannot be told. */
export interface FindingInput {
  file: string;
  name: string;
  reason: string;
}

export interface FinishRun {
  /** Id of the run */
  run: string;
  status?: 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'kernel_died' | 'lost';
  error?: string;
  output?: string | null;
  cells?: CellStateInput[];
}

/** What one gate found. */
export interface GateResult {
  gate: string;
  passed: boolean;
  value: Real | string | null;
  bound: Real | string | null;
  message: string;
  pending: boolean;
  about: string;
}

/** All gates of one environment for one version. */
export interface GateResults {
  model: string;
  environment: string;
  passed: boolean;
  gates: GateResult[];
}

/** One gate that an environment asks for, with its options. */
export interface GateRuleInput {
  gate: string;
  options?: Record<string, unknown>;
}

/** One gate that an environment asks for, with its options. */
export interface GateRule {
  gate: string;
  options: Record<string, unknown>;
}

/** What gc would do, or did. */
export interface GcPlan {
  done: boolean;
  versions: Fate[];
  runs: number;
  blobs: number;
  bytes: number;
  leased_bytes: number;
}

/** Where the code stood: the commit, and the uncommitted difference as a blob. */
export interface GitStateInput {
  commit: string;
  branch?: string;
  dirty?: boolean;
  diff?: string | null;
}

/** Where the code stood: the commit, and the uncommitted difference as a blob. */
export interface GitState {
  commit: string;
  branch: string;
  dirty: boolean;
  diff: string | null;
}

/** The steps of a pipeline and what each waits for. */
export interface Graph {
  pipeline: string;
  nodes: Node[];
  edges: Edge[];
}

/** What a model decides for the rows of one group. */
export interface GroupRates {
  by: string;
  group: string;
  rows: number;
  base_rate: Rate;
  selection_rate: Rate;
  true_positive_rate: Rate;
  false_positive_rate: Rate;
  accuracy: Rate;
}

/** What the process had to compute with. */
export interface HardwareInput {
  machine: string;
  processor?: string;
  cores?: number | null;
  memory?: number | null;
  gpus?: string[];
}

/** What the process had to compute with. */
export interface Hardware {
  machine: string;
  processor: string;
  cores: number | null;
  memory: number | null;
  gpus: string[];
}

/** The newest event's number and hash; kept outside, it tells whether the trail was rewritten or cut. */
export interface Head {
  workspace: string;
  seq: number;
  hash: string;
  time: string | null;
  root: string;
  signature: string;
  public_key: string;
}

/** Is a model all right, since when not, what moved, and what to do. */
export interface Health {
  model: string;
  status: 'healthy' | 'at_risk' | 'degraded' | 'unknown';
  since: string;
  summary_text: string;
  serving: string;
  environment: string;
  alerts: string[];
  todo: string[];
  metrics: string[];
  slices: string[];
  moved: MovedColumn[];
  windows: WindowState[];
  comparisons: string[];
}

/** That an event stands in the trail: its hash and the path lead to the root of a head. */
export interface InclusionProof {
  workspace: string;
  seq: number;
  hash: string;
  event: Record<string, unknown>;
  size: number;
  root: string;
  path: string[];
}

export interface InspectNotebook {
  /** Path of the notebook, relative to the server's root or the working folder */
  notebook: string;
}

/** A queued run: what to execute, and how far it is. */
export interface Job {
  id: string;
  notebook: string;
  parameters: Record<string, unknown>;
  output: string;
  experiment: string;
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'kernel_died' | 'invalid' | 'rejected';
  error: string;
  attempt: number;
  max_attempts: number;
  priority: number;
  timeout_seconds: Real | null;
  cell_timeout_seconds: Real | null;
  kernel: string;
  folder: string;
  isolated: boolean;
  retry_on: ('died' | 'timeout')[];
  pins: Record<string, number>;
  locked: boolean;
  secrets: string[];
  cold: boolean;
  memory: string;
  cache: boolean;
  reused: string;
  tags: string[];
  reproduces: string;
  source: string;
  trigger: string;
  run: string;
  cells_done: number;
  cells_total: number;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  created_by: string;
}

/** What a job has put out since a piece, as far as it is kept: the newest 64 pieces, until an hour after its end. */
export interface JobOutput {
  job: string;
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'kernel_died' | 'invalid' | 'rejected';
  attempt: number;
  cells_done: number;
  cells_total: number;
  pieces: OutputPiece[];
  next: number;
  missed: boolean;
  ended: boolean;
}

/** What turned out to be true. */
export interface LabelRow {
  id: number | string;
  at: string;
  label: boolean | number | Real | string;
}

/** What a thing was made of, and what was made of it. */
export interface Lineage {
  root: string;
  nodes: LineageNode[];
  edges: LineageEdge[];
  cut: string;
}

/** `source` went into, made or led to `target`; `seq` is the event that says so. */
export interface LineageEdge {
  source: string;
  target: string;
  relation: string;
  seq: number;
}

/** One thing in the graph; `id` is its full reference, such as model:delay@3. */
export interface LineageNode {
  id: string;
  kind: string;
  label: string;
  at: string;
  by: string;
}

export interface ListAlerts {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Only alerts on this model: all versions of a name, or one version */
  model?: string;
  /** Only alerts in this state */
  state?: string;
}

export interface ListBatches {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Only batches of this model: all versions of a name, or one version */
  model?: string;
  /** Only predictions, or only labels */
  kind?: string;
  /** Only this window, and what was logged for no window */
  window?: string;
}

export interface ListDatasetVersions {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Such as: metrics.auc > 0.7 AND (tags.team = 'a' OR name LIKE 'x%') */
  filter?: string;
  /** Such as: metrics.auc DESC, created_at */
  order_by?: string;
  /** Name of the dataset */
  dataset: string;
  /** active, archived, deleted or any */
  state?: 'active' | 'archived' | 'deleted' | 'any';
}

export interface ListDatasets {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Such as: metrics.auc > 0.7 AND (tags.team = 'a' OR name LIKE 'x%') */
  filter?: string;
  /** Such as: metrics.auc DESC, created_at */
  order_by?: string;
  /** Part of the name */
  search?: string;
  /** active, archived, deleted or any */
  state?: 'active' | 'archived' | 'deleted' | 'any';
}

export interface ListDeployments {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Name of the model */
  model: string;
  /** Only this environment */
  environment?: string;
}

export interface ListEvents {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Such as: actor = 'ana' AND time > '2013-01-31' AND ref = 'model:delay@3' */
  filter?: string;
  /** Such as: metrics.auc DESC, created_at */
  order_by?: string;
  /** Only events after this number */
  after?: number;
  /** Only events on this full reference, such as model:delay@3 */
  subject?: string;
  /** The newest first */
  newest?: boolean;
}

export interface ListExperiments {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Such as: metrics.auc > 0.7 AND (tags.team = 'a' OR name LIKE 'x%') */
  filter?: string;
  /** Such as: metrics.auc DESC, created_at */
  order_by?: string;
  /** active, deleted or any */
  state?: 'active' | 'deleted' | 'any';
}

export interface ListFeatureViews {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Part of the name */
  search?: string;
}

export interface ListImported {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Only what comes from there */
  source?: string;
  /** Only experiment, run, model, version or alias; open: the runs whose import has begun */
  kind?: string;
}

export interface ListJobs {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Only jobs in this state */
  status?: string;
}

export interface ListMetric {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Id of the run */
  run: string;
  /** Name of the metric */
  key: string;
}

export interface ListModels {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Such as: metrics.auc > 0.7 AND (tags.team = 'a' OR name LIKE 'x%') */
  filter?: string;
  /** Such as: metrics.auc DESC, created_at */
  order_by?: string;
  /** Part of the name */
  search?: string;
  /** Only those in this state */
  state?: 'active' | 'archived' | 'deleted' | 'any';
}

export interface ListMonitorWindows {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Name of the monitor */
  monitor: string;
}

/** All of them, by name. */
export interface ListMonitors {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
}

export interface ListMutes {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Only mutes of this model */
  model?: string;
}

export interface ListNotices {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Id of the alert */
  alert: string;
}

export interface ListPipelineRuns {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Only runs of this pipeline */
  pipeline?: string;
  /** Only runs in this state */
  status?: string;
}

/** Those of mlops.toml. */
export interface ListPipelines {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
}

export interface ListPromotions {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Only of this model */
  model?: string;
  /** Only to this environment */
  environment?: string;
  /** Only in this state */
  state?: 'evaluating' | 'refused' | 'awaiting_approval' | 'promoted' | 'expired' | 'rejected' | 'voided' | 'failed' | null;
}

export interface ListReports {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Only reports on this model: all versions of a name, or one version */
  model?: string;
  /** Only reports of this kind */
  kind?: string;
  /** Only reports on this window */
  window?: string;
}

export interface ListReviews {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** List those that were held instead of those that are due */
  done?: boolean;
}

export interface ListRuns {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Such as: metrics.auc > 0.7 AND (tags.team = 'a' OR name LIKE 'x%') */
  filter?: string;
  /** Such as: metrics.auc DESC, created_at */
  order_by?: string;
  /** Only runs of this experiment */
  experiment?: string;
  /** Only runs that stand so, such as running or failed */
  status?: string;
  /** active, deleted or any */
  state?: 'active' | 'deleted' | 'any';
}

/** All of them, by name. */
export interface ListSchedules {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
}

export interface ListSweeps {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
}

export interface ListVersions {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Such as: metrics.auc > 0.7 AND (tags.team = 'a' OR name LIKE 'x%') */
  filter?: string;
  /** Such as: metrics.auc DESC, created_at */
  order_by?: string;
  /** Name of the model */
  model: string;
  /** Only those in this state */
  state?: 'active' | 'archived' | 'deleted' | 'any';
}

/** A batch of predictions or labels, as one Parquet blob; the same batch twice is stored once. */
export interface LogBatch {
  /** Reference of the model version */
  model: string;
  kind: 'predictions' | 'labels';
  /** Blob of the Parquet file: id, at, and prediction/probability or label */
  batch: string;
  rows: number;
  /** Name of the window that the rows belong to */
  window?: string;
}

/** Measurements of a running run; an empty one is its sign of life. */
export interface LogRun {
  /** Id of the run */
  run: string;
  /** Name to JSON text; a second value for one name is refused */
  parameters?: Record<string, string>;
  metrics?: MetricPoint[];
  tags?: Record<string, string>;
  inputs?: string[];
  outputs?: string[];
  artifacts?: Artifact[];
  /** Data that is described, not kept; the first description of a name and digest stays */
  datasets?: RunDatasetInput[];
}

/** How much a run holds now. */
export interface Logged {
  run: string;
  parameters: number;
  metrics: number;
}

/** What was logged. */
export interface LoggedBatch {
  id: string;
  model: string;
  kind: string;
  batch: string;
  rows: number;
  window: string;
  new: boolean;
  logged_at: string;
  logged_by: string;
}

/** A secret that was taken out of a notebook or a diff before it was stored; never the secret itself. */
export interface MaskedSecret {
  kind: string;
  where: string;
}

/** What a version consists of, as a CycloneDX 1.6 document. */
export interface MaterialsBill {
  document: Record<string, unknown>;
}

/** A metric of one window with its interval; `kind` says whether labels were there. */
export interface MetricEstimateInput {
  name: string;
  value: Real;
  low: Real;
  high: Real;
  level?: Real;
  kind?: 'measured' | 'estimated' | 'difference';
}

/** A metric of one window with its interval; `kind` says whether labels were there. */
export interface MetricEstimate {
  name: string;
  value: Real;
  low: Real;
  high: Real;
  level: Real;
  kind: 'measured' | 'estimated' | 'difference';
}

export interface MetricPoint {
  key: string;
  value: Real;
  step?: number;
  at?: string | null;
}

/** One logged point. */
export interface MetricValue {
  step: number;
  value: Real;
  at: string;
}

/** A model: a name, its line of versions, and who points where. */
export interface Model {
  name: string;
  description: string;
  latest: number;
  state: 'active' | 'archived' | 'deleted';
  tags: Record<string, string>;
  aliases: Record<string, number>;
  environments: Record<string, number>;
  created_at: string;
  updated_at: string;
}

/** What should be known of a model version, from its record; what the record does not say is not made up. */
export interface ModelCard {
  model: string;
  version: number;
  digest: string;
  flavor: string;
  state: string;
  description: string;
  created_at: string;
  created_by: string;
  environments: string[];
  aliases: string[];
  tags: Record<string, string>;
  fields: CardField[];
  metrics: Record<string, Real>;
  parameters: Record<string, string>;
  importance: Record<string, Real>;
  signature: Signature;
  data: CardData[];
  files: ModelFile[];
  run: string;
  notebook: string;
  commit: string;
  uncommitted: boolean;
  lock: EnvironmentLock | null;
  scan: string;
  signed: boolean;
  gates: GateResult[];
  approvals: Approval[];
  decided_at: string | null;
  reports: CardReport[];
  bias: BiasReport | null;
  reproduction: NotedReproduction | null;
  missing: string[];
}

/** One file of a model; sha256 stands beside the workspace's digest for signatures and SBOMs. */
export interface ModelFile {
  path: string;
  digest: string;
  sha256: string;
  size: number;
}

/** One registered model: what it is, what it was made of, and where it serves. */
export interface ModelVersion {
  name: string;
  version: number;
  digest: string;
  flavor: string;
  files: ModelFile[];
  signature: Signature;
  inputs: string[];
  metrics: Record<string, Real>;
  parameters: Record<string, string>;
  run: string;
  notebook: string | null;
  git: GitState | null;
  lock: EnvironmentLock | null;
  hardware: Hardware | null;
  seconds: Real | null;
  seeds: Record<string, number | string>;
  execution: Execution | null;
  masked: MaskedSecret[];
  importance: Record<string, Real>;
  trust: string[];
  scan: Scan | null;
  tags: Record<string, string>;
  description: string;
  state: 'active' | 'archived' | 'deleted';
  aliases: string[];
  environments: string[];
  created_at: string;
  created_by: string;
}

/** Something that is watched, and what became of its last window. */
export interface Monitor {
  name: string;
  kind: 'drift' | 'quality' | 'performance';
  watches: 'dataset' | 'predictions' | 'stream';
  reference: string;
  reference_given: string;
  profile: string | null;
  data: string;
  predictions: boolean;
  model: string;
  columns: string[];
  categorical: string[];
  numeric: string[];
  statistics: string[];
  importance: Record<string, Real>;
  alpha: Real;
  windows: number;
  bound: Real;
  together: boolean;
  text: string[];
  season: '' | 'month' | 'weekday';
  keys: string[];
  at: string;
  max_age: string;
  missing: Real;
  outside: Real;
  volume: Real;
  metric: string;
  limit: Real | null;
  against: string;
  tolerance: Real;
  window: string;
  grace: string;
  exact_rows: number;
  cron: string;
  tz: string;
  on_new_data: boolean;
  severity: 'impact' | 'info' | 'warning' | 'critical';
  channels: string[];
  retrain: string;
  parameters: Record<string, unknown>;
  declared_in: string;
  paused: boolean;
  next: string | null;
  last_window: string;
  last_status: string;
  error: string;
  created_at: string;
  created_by: string;
}

/** One window of a monitor: rows while it is open, a verdict once it is judged. */
export interface MonitorWindow {
  monitor: string;
  window: string;
  state: 'open' | 'judging' | 'judged' | 'failed';
  rows: number;
  late_rows: number;
  exact: boolean;
  closes_at: string | null;
  status: string;
  drifted: string[];
  level: Real | null;
  report: string;
  alert: string;
  error: string;
  judged_at: string | null;
}

/** A column that drifted in the newest window. */
export interface MovedColumn {
  column: string;
  psi: Real;
  impact: Real;
  since: string;
  reason: string;
}

/** Nobody is told of the alerts of a model, or of one of its monitors, for a while; all are recorded. */
export interface Mute {
  id: string;
  model: string;
  monitor: string;
  until: string;
  comment: string;
  created_at: string;
  created_by: string;
}

export interface MuteAlerts {
  /** Name of the model */
  model: string;
  /** Only this monitor; all of the model when left out */
  monitor?: string;
  /** How long, such as 8h or 2d */
  lasting?: string;
  comment?: string;
}

export interface NameSweep {
  /** Id of the sweep */
  sweep: string;
}

/** Nothing to say. */
export interface NoRequest {
}

/** One step in a graph. */
export interface Node {
  name: string;
  notebook: string;
  function: string;
  reads: string[];
  writes: string[];
  status: string;
}

export interface NoteCheck {
  /** Reference of the version that was checked */
  dataset: string;
  result: CheckedDatasetInput;
}

export interface NotePush {
  /** Name of the dataset */
  name: string;
  /** What was sent, or said anew */
  versions: number[];
  /** Where to; without credentials */
  remote: string;
  /** The name that it has there, if another */
  under?: string;
  /** How many files travelled */
  pieces?: number;
  /** How many bytes they had */
  bytes?: number;
}

/** What to put on record. */
export interface NoteReproduction {
  /** Reference of the version */
  model: string;
  reproduction: Reproduction;
  /** Blob of the reproduction as JSON */
  record: string;
}

/** What a notebook can be run with. */
export interface NotebookParameters {
  notebook: string;
  kernel: string;
  tagged: boolean;
  parameters: Parameter[];
}

/** The newest reproduction of a version on record. */
export interface NotedReproduction {
  model: string;
  verdict: 'reproduced' | 'differs' | 'not_comparable';
  reason: string;
  run: string;
  record: string;
  created_at: string;
  created_by: string;
}

/** What is to be told of an alert, and who has been. */
export interface Notice {
  id: string;
  alert: string;
  reason: 'raised' | 'worse' | 'resolved' | 'storm';
  state: 'pending' | 'sent' | 'failed';
  told: string[];
  attempts: number;
  error: string;
  created_at: string;
}

/** A batch of rows, as records or as a blob; the same batch again changes nothing. */
export interface Observe {
  /** Name of the monitor */
  monitor: string;
  /** Id that tells repetitions; without one none is known */
  batch?: string;
  /** The rows, each a mapping of column to value */
  rows?: Record<string, unknown>[];
  /** Blob of the rows as an Arrow file, instead of `rows` */
  content?: string | null;
  /** When they were seen; now when left out */
  at?: string | null;
}

/** What became of a batch. */
export interface Observed {
  monitor: string;
  batch: string;
  window: string;
  rows: number;
  window_rows: number;
  new: boolean;
  kept: boolean;
}

export interface OpenImportedRun {
  /** Where it comes from, as the import writes it */
  source: string;
  /** Id of the run there */
  source_id: string;
  experiment: string;
  name?: string;
  /** Id of the run around it, here */
  parent?: string;
  git_commit?: string;
  started_at: string;
}

/** A graph as OpenLineage run events, which any backend of that standard takes. */
export interface OpenLineageEvents {
  events: Record<string, unknown>[];
  cut: string;
}

/** What made a version, as far as the process that made it knows. */
export interface OriginInput {
  sources?: DataSourceInput[];
  query?: string;
  notebook?: string;
  cell?: string;
  code?: string;
  script?: string;
}

/** What made a version, as far as the process that made it knows. */
export interface Origin {
  sources: DataSource[];
  query: string;
  notebook: string;
  cell: string;
  code: string;
  script: string;
}

/** Some text that a cell put out, without secrets. */
export interface OutputPiece {
  seq: number;
  cell: number;
  stream: 'stdout' | 'stderr' | 'result' | 'error';
  text: string;
}

/** One parameter that a notebook declares in its tagged cell. */
export interface Parameter {
  name: string;
  type: string;
  default: string;
  value: unknown;
  help: string;
}

/** One run of a pipeline. */
export interface PipelineRun {
  id: string;
  pipeline: string;
  status: 'running' | 'succeeded' | 'failed' | 'cancelled';
  error: string;
  trigger: string;
  cache: boolean;
  steps: StepState[];
  created_at: string;
  created_by: string;
  ended_at: string | null;
}

/** A pipeline that mlops.toml declares. */
export interface PipelineSummary {
  name: string;
  steps: string[];
  last: string;
  status: string;
}

export interface PlanGc {
  /** Keep the newest so many versions of each dataset */
  keep_last?: number | null;
  /** Keep versions made in this time, such as 30d */
  newer_than?: string;
  /** Keep versions that have tags */
  keep_tagged?: boolean;
  /** Keep versions that an alias points at */
  keep_aliased?: boolean;
  /** Keep what this many versions that an environment served before were made of */
  rollbacks?: number | null;
  /** How long what was deleted can still be restored */
  grace?: string;
  /** Only these; all when left out */
  datasets?: string[];
}

/** Environments in order, each with the gates that guard it; guarded aliases have gates too. */
export interface PolicyInput {
  environments?: string[];
  in_order?: boolean;
  guarded_aliases?: string[];
  trust?: string[];
  verify?: string[];
  gates?: Record<string, GateRuleInput[]>;
}

/** Environments in order, each with the gates that guard it; guarded aliases have gates too. */
export interface Policy {
  environments: string[];
  in_order: boolean;
  guarded_aliases: string[];
  trust: string[];
  verify: string[];
  gates: Record<string, GateRule[]>;
}

/** Labels that became known. */
export interface PostLabels {
  /** Reference of the model version; labels count for all versions of the model */
  model: string;
  /** Each with id, at and label */
  rows: LabelRow[];
  /** Name of the window; without one they are joined with every window */
  window?: string;
}

/** Answers of a model version. */
export interface PostPredictions {
  /** Reference of the model version that answered */
  model: string;
  /** Each with id, at and prediction; probability and features */
  rows: PredictionRow[];
  /** Name of the window that they belong to, such as 2013-03 */
  window?: string;
}

/** One answer of a model. */
export interface PredictionRow {
  id: number | string;
  at: string;
  prediction: boolean | number | Real | string;
  probability?: Real | null;
  features?: Record<string, boolean | number | Real | string | null>;
}

/** What a version holds, column by column. */
export interface Profile {
  ref: string;
  rows: number;
  sample: number;
  rank_error: Real;
  counted: boolean;
  columns: ColumnProfile[];
}

export interface Promote {
  /** Reference of the version to promote */
  model: string;
  /** Environment that shall serve it, or guarded alias that shall point at it */
  to: string;
  /** Why */
  comment?: string;
}

/** A decision about one version and one environment, from the request to its end. */
export interface Promotion {
  id: string;
  state: 'evaluating' | 'refused' | 'awaiting_approval' | 'promoted' | 'expired' | 'rejected' | 'voided' | 'failed';
  model: string;
  version: number;
  environment: string;
  previous: number | null;
  digest: string;
  policy: string;
  gates: GateResult[];
  approvals: Approval[];
  approvals_needed: number;
  advisory: boolean;
  comment: string;
  error: string;
  break_glass: boolean;
  review_due: boolean;
  review: string;
  reviewed_by: string;
  reviewed_at: string | null;
  stalled: boolean;
  requested_by: string;
  auth: string;
  requested_at: string;
  expires_at: string | null;
  ended_at: string | null;
  note: string;
}

export interface Propose {
  /** Reference: name, name@3, name@b3:… */
  dataset: string;
}

export interface ProveConsistency {
  /** Number of the older head's event */
  first: number;
  /** Number of the newer head's event; the newest when 0 */
  second?: number;
}

export interface ProveEvent {
  /** Number of the event */
  seq: number;
  /** Prove it within the first so many events; all when 0 */
  size?: number;
}

export interface Prune {
  /** Reference of the version whose bytes go */
  dataset: string;
  /** The rule by which it goes */
  why?: string;
  /** Keep what this many versions that an environment served before were made of */
  rollbacks?: number | null;
}

/** A version whose bytes gc may take: its record and number stay. */
export interface Pruned {
  ref: string;
  blobs: number;
}

export interface PullDataset {
  /** Name of the dataset here */
  name: string;
  /** The versions as the remote has them */
  entries: DatasetEntryInput[];
  /** Where they come from; without credentials */
  remote: string;
}

/** What a pull would do. */
export interface PullPlan {
  states: Record<string, 'new' | 'updated' | 'known' | 'restored'>;
  missing: Record<string, number>;
}

export interface RaiseAlert {
  monitor: string;
  /** Reference of the model version; none when it is about data alone */
  model?: string;
  kind: 'estimated_impact' | 'performance_loss' | 'drift' | 'data_quality' | 'bias';
  window: string;
  message: string;
  severity?: 'info' | 'warning' | 'critical';
  report?: string;
  /** Values that a trigger may hand to a notebook */
  details?: Record<string, unknown>;
  /** Channels that are told; all when left out */
  channels?: string[];
}

/** A number with its interval. */
export interface Rate {
  value: Real;
  low: Real;
  high: Real;
}

export interface ReadDataset {
  /** Reference: name, name@3, name@b3:… */
  dataset: string;
  /** Columns that are read; all when left out */
  columns?: string[];
  /** Such as load, scan or export */
  how?: string;
}

export interface ReadOutput {
  /** Id of the job */
  job: string;
  /** Number of the last piece that is known; `next` of the last answer */
  after?: number;
  /** How many pieces at most */
  limit?: number;
}

export interface ReceiveWebhook {
  /** Name of the webhook in mlops.toml */
  webhook: string;
  /** The header webhook-id, one for each message */
  id: string;
  /** The header webhook-timestamp: seconds since 1970 */
  timestamp: string;
  /** The header webhook-signature: v1,BASE64 (several by spaces) */
  signature: string;
  /** The body as it was sent, a JSON object */
  body: string;
}

export interface Register {
  /** Name of the model */
  name: string;
  flavor: string;
  files: ModelFile[];
  signature?: SignatureInput;
  inputs?: string[];
  metrics?: Record<string, Real>;
  parameters?: Record<string, string>;
  run?: string;
  notebook?: string | null;
  git?: GitStateInput | null;
  lock?: EnvironmentLockInput | null;
  hardware?: HardwareInput | null;
  seconds?: Real | null;
  seeds?: Record<string, number | string>;
  execution?: ExecutionInput | null;
  masked?: MaskedSecret[];
  /** How much each feature matters */
  importance?: Record<string, Real>;
  trust?: string[];
  scan?: ScanInput | null;
  tags?: Record<string, string>;
  description?: string;
  /** Make a version even when an equal one is the latest */
  new?: boolean;
}

export interface Reject {
  /** Id, its first digits, or name@environment for the one that waits there */
  promotion: string;
  /** Why not */
  comment: string;
}

export interface RenameExperiment {
  /** Name of the experiment */
  experiment: string;
  /** Its new name */
  to: string;
}

export interface RenameModel {
  /** Name of the model */
  model: string;
  /** Its new name */
  to: string;
}

export interface RenameRun {
  /** Id of the run, or run:ID */
  run: string;
  /** Its new name */
  to: string;
}

/** One look at one window of a model or a dataset. */
export interface Report {
  id: string;
  kind: 'drift' | 'performance' | 'estimate' | 'comparison' | 'bias' | 'slices' | 'attribution' | 'quality';
  model: string;
  reference: string;
  current: string;
  window: string;
  status: string;
  rows: DriftRow[];
  verdict: Verdict | null;
  metrics: MetricEstimate[];
  label_coverage: Real | null;
  details: Record<string, unknown>;
  created_at: string;
  created_by: string;
}

/** What making a version again gave beside it. */
export interface Reproduction {
  model: string;
  verdict: 'reproduced' | 'differs' | 'not_comparable';
  reason: string;
  relative: Real;
  absolute: Real;
  environment: 'check' | 'build';
  metrics?: ComparedMetric[];
  predictions?: ComparedPredictions | null;
  same_files?: boolean;
  differences?: DifferenceInput[];
  pinned?: string[];
  notes?: string[];
  run?: string;
  job?: string;
}

export interface ResolveAlert {
  /** Id of the alert */
  alert: string;
  comment?: string;
}

export interface Retain {
  /** Name of a profile, such as eu-ai-act-high-risk; none for no duty to keep */
  profile: string;
}

/** How long the data of events must be kept, and by which profile. */
export interface Retention {
  profile: string;
  days: number;
  set_at: string | null;
  set_by: string;
}

export interface Review {
  /** Id or its first digits */
  promotion: string;
  /** What the review found */
  comment: string;
}

export interface Rollback {
  /** name@environment to roll back */
  model: string;
  /** Version to go to; the one served before when left out */
  version?: number | null;
  /** Why */
  comment?: string;
}

/** One row of the sample. */
export interface RowChange {
  change: 'added' | 'removed' | 'changed';
  key: Cell[];
  cells: Cell[];
}

/** One tracked execution. */
export interface Run {
  id: string;
  experiment: string;
  name: string;
  status: 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'kernel_died' | 'lost';
  state: 'active' | 'deleted';
  error: string;
  parameters: Record<string, string>;
  metrics: Record<string, Real>;
  tags: Record<string, string>;
  inputs: string[];
  outputs: string[];
  artifacts: Artifact[];
  datasets: RunDataset[];
  notebook: string;
  source: string | null;
  output: string | null;
  cells: CellState[];
  git_commit: string;
  parent: string;
  job: string;
  digest: string | null;
  started_at: string;
  ended_at: string | null;
  created_by: string;
}

/** Data that a run said it read, described and not kept; what MLflow calls a dataset input. */
export interface RunDatasetInput {
  name: string;
  digest: string;
  context?: string;
  source_type?: string;
  source?: string;
  columns?: string;
  profile?: string;
}

/** Data that a run said it read, described and not kept; what MLflow calls a dataset input. */
export interface RunDataset {
  name: string;
  digest: string;
  context: string;
  source_type: string;
  source: string;
  columns: string;
  profile: string;
}

export interface RunMonitor {
  /** Name of the monitor */
  monitor: string;
  /** Only this one: a version such as flights@3, or the name of a window */
  window?: string;
  /** Judge what a stream has collected now, without waiting */
  close?: boolean;
}

/** What a run judged. */
export interface RunMonitors {
  monitor: string;
  judged: number;
  waiting: number;
  windows: MonitorWindow[];
}

/** The tags of a run. */
export interface RunTags {
  ref: string;
  tags: Record<string, string>;
}

export interface SaveReport {
  kind: 'drift' | 'performance' | 'estimate' | 'comparison' | 'bias' | 'slices' | 'attribution' | 'quality';
  model?: string;
  reference?: string;
  /** Further datasets that the reference is made of */
  references?: string[];
  current?: string;
  window: string;
  status: string;
  rows?: DriftRowInput[];
  verdict?: VerdictInput | null;
  metrics?: MetricEstimateInput[];
  label_coverage?: Real | null;
  details?: Record<string, unknown>;
}

/** What reading the files, never loading them, told of what they could run. */
export interface ScanInput {
  verdict: 'clean' | 'unsafe';
  findings?: FindingInput[];
  scanner: string;
}

/** What reading the files, never loading them, told of what they could run. */
export interface Scan {
  verdict: 'clean' | 'unsafe';
  findings: mlops_ext__models__types__Finding[];
  scanner: string;
}

/** A notebook or pipeline that runs by the clock. */
export interface Schedule {
  name: string;
  notebook: string;
  pipeline: string;
  cron: string;
  tz: string;
  parameters: Record<string, unknown>;
  misfire: 'skip' | 'once' | 'all';
  catch_up: number;
  grace_seconds: Real;
  overlap: boolean;
  experiment: string;
  kernel: string;
  timeout_seconds: Real | null;
  max_attempts: number;
  priority: number;
  grid: Record<string, unknown>;
  memory: string;
  tags: string[];
  cache: boolean;
  secrets: string[];
  declared_in: string;
  paused: boolean;
  next: string[];
  last: string | null;
  last_job: string;
  error: string;
  warning: string;
  created_at: string;
  created_by: string;
}

/** Whether anybody looks at what is due. */
export interface Scheduler {
  alive: boolean;
  last: string | null;
  by: string;
  schedules: number;
  overdue: number;
  message: string;
}

/** One metric of both versions on the same rows, and their difference with its interval from paired draws. */
export interface ScoreDifference {
  metric: string;
  before: Real;
  after: Real;
  difference: Real;
  low: Real;
  high: Real;
  better: 'before' | 'after' | 'neither';
}

export interface SearchVersions {
  /** How many items at most */
  limit?: number;
  /** The `next` of the page before */
  cursor?: string;
  /** Such as: metrics.auc > 0.7 AND (tags.team = 'a' OR name LIKE 'x%') */
  filter?: string;
  /** Such as: metrics.auc DESC, created_at */
  order_by?: string;
  /** Only those in this state */
  state?: 'active' | 'archived' | 'deleted' | 'any';
}

export interface SetAlias {
  /** Reference of the version */
  model: string;
  /** The free pointer to set or move */
  alias: string;
}

export interface SetDatasetAlias {
  /** Reference of the version */
  dataset: string;
  /** The free pointer to set or move */
  alias: string;
}

export interface SetDatasetTags {
  /** Name of the dataset, or reference of a version: name@3 */
  dataset: string;
  /** Keys with their new values */
  tags: Record<string, string>;
}

export interface SetExperimentTags {
  /** Name of the experiment */
  experiment: string;
  tags: Record<string, string>;
}

export interface SetRunTags {
  /** Id of the run, or run:ID */
  run: string;
  tags: Record<string, string>;
}

export interface SetTags {
  /** Name of the model, or reference of a version: name@3 */
  model: string;
  /** Keys with their new values */
  tags: Record<string, string>;
}

/** How the distribution of a column moved, by what the two snapshots noted. */
export interface Shift {
  column: string;
  statistic: string;
  value: Real | null;
  error: Real;
  mean_before: Real | null;
  mean_after: Real | null;
  missing_before: Real;
  missing_after: Real;
  changed: number;
}

export interface ShowAlert {
  /** Id of the alert */
  alert: string;
}

export interface ShowCard {
  /** Reference of the version */
  model: string;
}

export interface ShowClasses {
  /** Name of the dataset */
  dataset: string;
}

export interface ShowDataset {
  /** Reference: name, name@3, name@b3:… */
  dataset: string;
}

export interface ShowExpectations {
  /** Name of the dataset */
  dataset: string;
}

export interface ShowExperiment {
  /** Name of the experiment */
  experiment: string;
}

export interface ShowFeatureView {
  /** Reference of the view */
  view: string;
}

export interface ShowHead {
  /** Give the Merkle root too; it costs a look at every event's hash */
  root?: boolean;
}

export interface ShowHealth {
  /** Name of the model */
  model: string;
  /** Metric to judge the windows by; the alerts' own when left out */
  metric?: string;
  /** How many windows at most, the newest */
  most?: number;
}

export interface ShowJob {
  /** Id of the job */
  job: string;
}

export interface ShowLineage {
  /** Full reference, such as model:delay@3, dataset:flights@1 or run:ID */
  ref: string;
  /** up: its origins; down: its consequences */
  direction?: 'up' | 'down' | 'both';
  /** How many steps to follow at most */
  depth?: number;
  /** How many nodes to show at most */
  limit?: number;
}

export interface ShowModel {
  /** Name of the model */
  model: string;
}

export interface ShowMonitor {
  /** Name of the monitor */
  monitor: string;
}

export interface ShowPipeline {
  /** Name of the pipeline */
  pipeline: string;
}

export interface ShowPipelineRun {
  /** Id of the pipeline's run */
  run: string;
}

export interface ShowProfile {
  /** Reference: name, name@3, name@b3:… */
  dataset: string;
  /** Only what the snapshot noted, without reading the rows */
  quick?: boolean;
}

export interface ShowPromotion {
  /** Id, its first digits, or name@environment for the one that waits there */
  promotion: string;
}

export interface ShowReport {
  /** Id of the report */
  report: string;
}

/** Of which version. */
export interface ShowReproduction {
  /** Reference of the version */
  model: string;
}

export interface ShowRun {
  /** Id of the run, or run:ID */
  run: string;
}

export interface ShowSchedule {
  /** Name of the schedule */
  schedule: string;
}

export interface ShowVersion {
  /** Reference: name, name@3, name@alias, name@production */
  model: string;
}

/** Which place to explain. */
export interface ShowWhy {
  /** name@environment, or name@alias of a guarded alias */
  model: string;
}

/** What a model takes and gives. */
export interface SignatureInput {
  inputs?: Field[];
  outputs?: Field[];
}

/** What a model takes and gives. */
export interface Signature {
  inputs: Field[];
  outputs: Field[];
}

export interface StartPipeline {
  /** Name of the pipeline */
  pipeline: string;
  /** Its steps; those of mlops.toml when left out */
  steps?: StepPlan[];
  /** Values for every step that declares them; STEP.NAME for one step */
  parameters?: Record<string, unknown>;
  /** Let steps whose code and inputs are as before serve again */
  cache?: boolean;
  /** Reference of what asked for it, such as schedule:nightly */
  trigger?: string;
  /** Memory that a step may use which says nothing of its own */
  memory?: string;
  /** What limits in mlops.toml may count its jobs by */
  tags?: string[];
  /** Names whose values are secret, for every step */
  secrets?: string[];
}

export interface StartRun {
  experiment?: string;
  name?: string;
  notebook?: string;
  source?: string | null;
  parent?: string;
  job?: string;
  git_commit?: string;
  tags?: Record<string, string>;
  /** Without a sign of life for so long, the run counts as lost */
  lease_seconds?: Real;
}

/** The state that a model or one version is in now, and the one before. */
export interface StateChange {
  ref: string;
  state: 'active' | 'archived' | 'deleted';
  previous: 'active' | 'archived' | 'deleted';
}

/** One step as it will run: its bytes are stored, its edges named. */
export interface StepPlan {
  name: string;
  notebook: string;
  function?: string;
  source: string;
  code: string;
  parameters?: Record<string, unknown>;
  reads?: string[];
  writes?: string[];
  after?: string[];
  kernel?: string;
  timeout_seconds?: Real | null;
  max_attempts?: number;
  cache?: boolean;
  memory?: string;
  tags?: string[];
  secrets?: string[];
}

/** How far a step is. */
export interface StepState {
  name: string;
  status: string;
  job: string;
  run: string;
  inputs: string[];
  outputs: string[];
  seconds: Real | null;
  error: string;
  after: string[];
}

export interface SubmitJob {
  /** Path of the notebook, relative to the workspace's folder */
  notebook: string;
  /** Values for what the notebook declares */
  parameters?: Record<string, unknown>;
  /** Path for the executed notebook; chosen when left out */
  output?: string;
  experiment?: string;
  priority?: number;
  max_attempts?: number;
  timeout_seconds?: Real | null;
  /** Longest that one cell may take */
  cell_timeout_seconds?: Real | null;
  /** Kernel to use instead of the notebook's own */
  kernel?: string;
  /** Working folder, below the workspace's; the notebook's own if empty */
  folder?: string;
  /** Work in a new, empty folder; files made there are kept */
  isolated?: boolean;
  /** What is worth another attempt */
  retry_on?: ('died' | 'timeout')[];
  /** Reference of what asked for it, such as alert:ID */
  trigger?: string;
  /** Blob of the notebook, when no file is to be read */
  source?: string | null;
  /** Version that loading by a bare name gives: of a dataset, and of a model as model:NAME */
  pins?: Record<string, number>;
  /** Refuse to load by a bare name that is not pinned */
  locked?: boolean;
  /** Names whose values are secret and are stored nowhere */
  secrets?: string[];
  /** Start a new kernel instead of forking one that has its imports done */
  cold?: boolean;
  /** Memory that it may use, such as 2GiB; that of mlops.toml if empty */
  memory?: string;
  /** Give the earlier successful run of the same code, parameters, inputs and environment */
  cache?: boolean;
  /** What limits in mlops.toml may count it by */
  tags?: string[];
  /** Reference of the model version that is made again; nothing is registered then */
  reproduces?: string;
}

export interface SubmitSweep {
  /** Path of the notebook, relative to the workspace's folder */
  notebook: string;
  /** The parameters of each run */
  points: Record<string, unknown>[];
  /** Folder for the executed notebooks; chosen when left out */
  folder?: string;
  experiment?: string;
  priority?: number;
  max_attempts?: number;
  timeout_seconds?: Real | null;
  /** Longest that one cell may take */
  cell_timeout_seconds?: Real | null;
  /** Kernel to use instead of the notebook's own */
  kernel?: string;
  /** Names whose values are secret and are stored nowhere */
  secrets?: string[];
  /** Memory that a run may use, such as 2GiB; that of mlops.toml if empty */
  memory?: string;
  /** What limits in mlops.toml may count its runs by */
  tags?: string[];
  /** Give the earlier run of a point that is as before */
  cache?: boolean;
  /** Reference of what asked for it, such as schedule:nightly */
  trigger?: string;
}

/** One notebook run with many parameters. */
export interface Sweep {
  id: string;
  notebook: string;
  folder: string;
  total: number;
  succeeded: number;
  unfinished: number;
  points: SweepPoint[];
  created_at: string;
  created_by: string;
}

/** One run of a sweep. */
export interface SweepPoint {
  point: number;
  parameters: Record<string, unknown>;
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'kernel_died' | 'invalid' | 'rejected';
  metrics: Record<string, Real>;
  seconds: Real | null;
  output: string;
  error: string;
  job: string;
  run: string;
}

/** All tags of a model or of one version. */
export interface Tags {
  ref: string;
  tags: Record<string, string>;
}

/** Whether a classifier tells a window from the reference by all columns together. */
export interface Together {
  drifted: boolean;
  auc: Real;
  low: Real;
  high: Real;
  p_value: Real;
  columns: string[];
}

/** A frequent value. */
export interface Top {
  value: string;
  share: Real;
}

export interface Unmute {
  /** Id of the mute */
  mute: string;
}

/** What the drift statistics say together. */
export interface VerdictInput {
  status: 'no_drift' | 'drift' | 'undecided';
  columns?: string[];
  alpha: Real;
  method: string;
}

/** What the drift statistics say together. */
export interface Verdict {
  status: 'no_drift' | 'drift' | 'undecided';
  columns: string[];
  alpha: Real;
  method: string;
}

/** Whether the trail holds from its first event to its head. */
export interface Verification {
  ok: boolean;
  events: number;
  head: string;
  erased: number;
  findings: mlops_ext__governance__types__Finding[];
  notes: mlops_ext__governance__types__Finding[];
}

/** What changed from one version to another. */
export interface VersionComparison {
  before: string;
  after: string;
  same_content: boolean;
  differences: Difference[];
  notebook_diff: string;
  uncommitted_diff: string;
  notes: string[];
  dataset: string;
  scores: ScoreDifference[];
}

/** What is said of a version, besides what its manifest says. */
export interface VersionRecordInput {
  manifest: string;
  representation: string;
  rows: number;
  primary_key?: string[];
  description?: string;
  tags?: Record<string, string>;
  origin?: OriginInput;
  run?: string;
  check?: CheckedDatasetInput | null;
  created_at: string;
  created_by: string;
  dataset?: DatasetRecordInput;
}

/** What is said of a version, besides what its manifest says. */
export interface VersionRecord {
  manifest: string;
  representation: string;
  rows: number;
  primary_key: string[];
  description: string;
  tags: Record<string, string>;
  origin: Origin;
  run: string;
  check: CheckedDataset | null;
  created_at: string;
  created_by: string;
  dataset: DatasetRecord;
}

/** Why an environment serves what it serves: who decided on what grounds, and what changed. */
export interface Why {
  model: string;
  version: number;
  environment: string;
  since: string;
  action: 'promote' | 'rollback';
  by: string;
  comment: string;
  promotion: string;
  requested_by: string;
  gates: GateResult[];
  approvals: Approval[];
  advisory: boolean;
  break_glass: boolean;
  policy: string;
  registered_by: string;
  run: string;
  notebook: string;
  commit: string;
  data: string[];
  metrics: Record<string, Real>;
  reproduction: NotedReproduction | null;
  previous: number | null;
  changes: Difference[];
}

/** What is known of one window: measured where labels came, else estimated. */
export interface WindowState {
  window: string;
  model: string;
  metric: string;
  value: Real | null;
  low: Real | null;
  high: Real | null;
  kind: string;
  label_coverage: Real | null;
  drifted: number | null;
  columns: string[];
  pictured: Record<string, string[]>;
  together: Together | null;
  calibrated: boolean;
  reports: Record<string, string>;
}

/** Where a workspace lies and how much it holds. */
export interface WorkspaceStatus {
  root: string;
  catalog: string;
  blobs: string;
  id: string;
  hash: string;
  schema_number: number;
  datasets: number;
  models: number;
  runs: number;
  events: number;
  head: string;
}

/** A sign of personal data: a pattern, and how much of the column fits it. */
export interface mlops_ext__datasets__profile__types__Finding {
  pattern: string;
  share: Real;
}

/** One place where the trail does not hold. */
export interface mlops_ext__governance__types__Finding {
  seq: number;
  problem: string;
}

/** What could run code when one file of a model is read, or why that cannot be told. */
export interface mlops_ext__models__types__Finding {
  file: string;
  name: string;
  reason: string;
}

/** What each operation takes and gives. */
export interface Operations {
  'audit.consistency': { request: ProveConsistency; result: ConsistencyProof };
  'audit.erase': { request: EraseData; result: Erasure };
  'audit.head': { request: ShowHead; result: Head };
  'audit.log': { request: ListEvents; result: Page<Event> };
  'audit.prove': { request: ProveEvent; result: InclusionProof };
  'audit.retain': { request: Retain; result: Retention };
  'audit.retention': { request: NoRequest; result: Retention };
  'audit.verify': { request: NoRequest; result: Verification };
  'datasets.alias': { request: SetDatasetAlias; result: DatasetAliasMove };
  'datasets.archive': { request: ChangeDatasetState; result: DatasetStateChange };
  'datasets.classes': { request: ShowClasses; result: ColumnClasses };
  'datasets.classify': { request: Classify; result: ColumnClasses };
  'datasets.commit': { request: CommitDataset; result: DatasetVersion };
  'datasets.compact': { request: Compact; result: DatasetVersion };
  'datasets.delete': { request: ChangeDatasetState; result: DatasetStateChange };
  'datasets.describe': { request: DescribeDataset; result: DatasetDescription };
  'datasets.diff': { request: DiffDatasets; result: DatasetDiff };
  'datasets.entry': { request: ShowDataset; result: DatasetEntry };
  'datasets.expect': { request: Expect; result: Expectations };
  'datasets.expectations': { request: ShowExpectations; result: Expectations };
  'datasets.files': { request: ShowDataset; result: DatasetFiles };
  'datasets.list': { request: ListDatasets; result: Page<Dataset> };
  'datasets.note_check': { request: NoteCheck; result: CheckedDataset };
  'datasets.note_push': { request: NotePush; result: DatasetVersion };
  'datasets.plan_pull': { request: PullDataset; result: PullPlan };
  'datasets.profile': { request: ShowProfile; result: Profile };
  'datasets.propose': { request: Propose; result: Expectations };
  'datasets.prunable': { request: PlanGc; result: GcPlan };
  'datasets.prune': { request: Prune; result: Pruned };
  'datasets.read': { request: ReadDataset; result: DatasetVersion };
  'datasets.receive': { request: PullDataset; result: PullPlan };
  'datasets.restore': { request: ChangeDatasetState; result: DatasetStateChange };
  'datasets.show': { request: ShowDataset; result: DatasetVersion };
  'datasets.tag': { request: SetDatasetTags; result: DatasetTags };
  'datasets.unalias': { request: DeleteDatasetAlias; result: DatasetAliasMove };
  'datasets.untag': { request: DeleteDatasetTag; result: DatasetTags };
  'datasets.versions': { request: ListDatasetVersions; result: Page<DatasetVersion> };
  'experiments.create': { request: CreateExperiment; result: Experiment };
  'experiments.delete': { request: ChangeExperimentState; result: Experiment };
  'experiments.rename': { request: RenameExperiment; result: Experiment };
  'experiments.restore': { request: ChangeExperimentState; result: Experiment };
  'experiments.show': { request: ShowExperiment; result: Experiment };
  'experiments.tag': { request: SetExperimentTags; result: Experiment };
  'experiments.untag': { request: DeleteExperimentTag; result: Experiment };
  'features.define': { request: DefineFeatureView; result: FeatureView };
  'features.list': { request: ListFeatureViews; result: Page<FeatureView> };
  'features.show': { request: ShowFeatureView; result: FeatureView };
  'governance.card': { request: ShowCard; result: ModelCard };
  'governance.evidence': { request: CheckEvidence; result: EvidenceReport };
  'governance.lineage': { request: ShowLineage; result: Lineage };
  'governance.openlineage': { request: ShowLineage; result: OpenLineageEvents };
  'governance.sbom': { request: ShowCard; result: MaterialsBill };
  'governance.sign': { request: AttachSignature; result: FilesSignature };
  'governance.signature': { request: ShowCard; result: FilesSignature };
  'import.end': { request: EndImportedRun; result: Run };
  'import.experiment': { request: EnterExperiment; result: Experiment };
  'import.list': { request: ListImported; result: Page<Entered> };
  'import.model': { request: EnterModel; result: EnteredModel };
  'import.open': { request: OpenImportedRun; result: Run };
  'import.version': { request: EnterVersion; result: ModelVersion };
  'jobs.cancel': { request: CancelJob; result: Job };
  'jobs.cancel_many': { request: CancelJobs; result: Page<Job> };
  'jobs.inspect': { request: InspectNotebook; result: NotebookParameters };
  'jobs.list': { request: ListJobs; result: Page<Job> };
  'jobs.output': { request: ReadOutput; result: JobOutput };
  'jobs.show': { request: ShowJob; result: Job };
  'jobs.submit': { request: SubmitJob; result: Job };
  'models.alias': { request: SetAlias; result: AliasMove };
  'models.approve': { request: Approve; result: Promotion };
  'models.archive': { request: ChangeState; result: StateChange };
  'models.break_glass': { request: BreakGlass; result: Promotion };
  'models.check': { request: CheckGates; result: GateResults };
  'models.compare': { request: CompareVersions; result: VersionComparison };
  'models.delete': { request: ChangeState; result: StateChange };
  'models.deployments': { request: ListDeployments; result: Page<Deployment> };
  'models.describe': { request: Describe; result: Description };
  'models.list': { request: ListModels; result: Page<Model> };
  'models.note_reproduction': { request: NoteReproduction; result: NotedReproduction };
  'models.promote': { request: Promote; result: Promotion };
  'models.promotion': { request: ShowPromotion; result: Promotion };
  'models.promotions': { request: ListPromotions; result: Page<Promotion> };
  'models.register': { request: Register; result: ModelVersion };
  'models.reject': { request: Reject; result: Promotion };
  'models.rename': { request: RenameModel; result: Model };
  'models.reproduction': { request: ShowReproduction; result: NotedReproduction };
  'models.restore': { request: ChangeState; result: StateChange };
  'models.review': { request: Review; result: Promotion };
  'models.reviews': { request: ListReviews; result: Page<Promotion> };
  'models.rollback': { request: Rollback; result: Deployment };
  'models.search': { request: SearchVersions; result: Page<ModelVersion> };
  'models.show': { request: ShowModel; result: Model };
  'models.tag': { request: SetTags; result: Tags };
  'models.unalias': { request: DeleteAlias; result: AliasMove };
  'models.untag': { request: DeleteTag; result: Tags };
  'models.version': { request: ShowVersion; result: ModelVersion };
  'models.versions': { request: ListVersions; result: Page<ModelVersion> };
  'models.why': { request: ShowWhy; result: Why };
  'monitoring.acknowledge': { request: AcknowledgeAlert; result: Alert };
  'monitoring.alert': { request: ShowAlert; result: Alert };
  'monitoring.alerts': { request: ListAlerts; result: Page<Alert> };
  'monitoring.batches': { request: ListBatches; result: Page<LoggedBatch> };
  'monitoring.figure': { request: DrawFigure; result: Figure };
  'monitoring.health': { request: ShowHealth; result: Health };
  'monitoring.log': { request: LogBatch; result: LoggedBatch };
  'monitoring.log_labels': { request: PostLabels; result: LoggedBatch };
  'monitoring.log_predictions': { request: PostPredictions; result: LoggedBatch };
  'monitoring.mute': { request: MuteAlerts; result: Mute };
  'monitoring.mutes': { request: ListMutes; result: Page<Mute> };
  'monitoring.notices': { request: ListNotices; result: Page<Notice> };
  'monitoring.raise': { request: RaiseAlert; result: Alert };
  'monitoring.report': { request: SaveReport; result: Report };
  'monitoring.reports': { request: ListReports; result: Page<Report> };
  'monitoring.resolve': { request: ResolveAlert; result: Alert };
  'monitoring.show': { request: ShowReport; result: Report };
  'monitoring.unmute': { request: Unmute; result: Page<Mute> };
  'monitors.add': { request: AddMonitor; result: Monitor };
  'monitors.list': { request: ListMonitors; result: Page<Monitor> };
  'monitors.observe': { request: Observe; result: Observed };
  'monitors.pause': { request: ShowMonitor; result: Monitor };
  'monitors.remove': { request: ShowMonitor; result: Monitor };
  'monitors.resume': { request: ShowMonitor; result: Monitor };
  'monitors.run': { request: RunMonitor; result: RunMonitors };
  'monitors.show': { request: ShowMonitor; result: Monitor };
  'monitors.windows': { request: ListMonitorWindows; result: Page<MonitorWindow> };
  'pipelines.cancel': { request: ShowPipelineRun; result: PipelineRun };
  'pipelines.graph': { request: ShowPipeline; result: Graph };
  'pipelines.list': { request: ListPipelines; result: Page<PipelineSummary> };
  'pipelines.resume': { request: ShowPipelineRun; result: PipelineRun };
  'pipelines.run': { request: StartPipeline; result: PipelineRun };
  'pipelines.runs': { request: ListPipelineRuns; result: Page<PipelineRun> };
  'pipelines.show': { request: ShowPipelineRun; result: PipelineRun };
  'policy.apply': { request: ApplyPolicy; result: AppliedPolicy };
  'policy.show': { request: NoRequest; result: AppliedPolicy };
  'schedules.add': { request: AddSchedule; result: Schedule };
  'schedules.list': { request: ListSchedules; result: Page<Schedule> };
  'schedules.pause': { request: ShowSchedule; result: Schedule };
  'schedules.remove': { request: ShowSchedule; result: Schedule };
  'schedules.resume': { request: ShowSchedule; result: Schedule };
  'schedules.show': { request: ShowSchedule; result: Schedule };
  'schedules.status': { request: NoRequest; result: Scheduler };
  'sweeps.cancel': { request: NameSweep; result: Sweep };
  'sweeps.list': { request: ListSweeps; result: Page<Sweep> };
  'sweeps.resume': { request: NameSweep; result: Sweep };
  'sweeps.show': { request: NameSweep; result: Sweep };
  'sweeps.submit': { request: SubmitSweep; result: Sweep };
  'tracking.attach': { request: AttachNotebook; result: Run };
  'tracking.delete': { request: ChangeRunState; result: Run };
  'tracking.experiments': { request: ListExperiments; result: Page<Experiment> };
  'tracking.finish': { request: FinishRun; result: Run };
  'tracking.list': { request: ListRuns; result: Page<Run> };
  'tracking.log': { request: LogRun; result: Logged };
  'tracking.metric': { request: ListMetric; result: Page<MetricValue> };
  'tracking.rename': { request: RenameRun; result: Run };
  'tracking.restore': { request: ChangeRunState; result: Run };
  'tracking.show': { request: ShowRun; result: Run };
  'tracking.start': { request: StartRun; result: Run };
  'tracking.tag': { request: SetRunTags; result: RunTags };
  'tracking.untag': { request: DeleteRunTag; result: RunTags };
  'webhooks.receive': { request: ReceiveWebhook; result: Delivery };
  'workspace.show': { request: NoRequest; result: WorkspaceStatus };
}

/** Where each operation lives below the API's root. */
export const OPERATIONS = {
  'audit.consistency': { method: 'GET', path: '/audit/heads/{first}/consistency' },
  'audit.erase': { method: 'POST', path: '/audit/erasures' },
  'audit.head': { method: 'GET', path: '/audit/head' },
  'audit.log': { method: 'GET', path: '/events' },
  'audit.prove': { method: 'GET', path: '/events/{seq}/proof' },
  'audit.retain': { method: 'PUT', path: '/audit/retention' },
  'audit.retention': { method: 'GET', path: '/audit/retention' },
  'audit.verify': { method: 'GET', path: '/audit/verification' },
  'datasets.alias': { method: 'PUT', path: '/datasets/{dataset}/aliases/{alias}' },
  'datasets.archive': { method: 'POST', path: '/datasets/{dataset}/archival' },
  'datasets.classes': { method: 'GET', path: '/datasets/{dataset}/classes' },
  'datasets.classify': { method: 'POST', path: '/datasets/{dataset}/classes' },
  'datasets.commit': { method: 'POST', path: '/datasets/{name}/versions' },
  'datasets.compact': { method: 'POST', path: '/datasets/{dataset}/compactions' },
  'datasets.delete': { method: 'DELETE', path: '/datasets/{dataset}' },
  'datasets.describe': { method: 'PUT', path: '/datasets/{dataset}/description' },
  'datasets.diff': { method: 'GET', path: '/datasets/{before}/diff/{after}' },
  'datasets.entry': { method: 'GET', path: '/datasets/{dataset}/entry' },
  'datasets.expect': { method: 'PUT', path: '/datasets/{dataset}/expectations' },
  'datasets.expectations': { method: 'GET', path: '/datasets/{dataset}/expectations' },
  'datasets.files': { method: 'GET', path: '/datasets/{dataset}/files' },
  'datasets.list': { method: 'GET', path: '/datasets' },
  'datasets.note_check': { method: 'PUT', path: '/datasets/{dataset}/check' },
  'datasets.note_push': { method: 'POST', path: '/datasets/{name}/pushes' },
  'datasets.plan_pull': { method: 'POST', path: '/datasets/{name}/planned-pulls' },
  'datasets.profile': { method: 'GET', path: '/datasets/{dataset}/profile' },
  'datasets.propose': { method: 'GET', path: '/datasets/{dataset}/proposed-expectations' },
  'datasets.prunable': { method: 'GET', path: '/prunable-dataset-versions' },
  'datasets.prune': { method: 'POST', path: '/datasets/{dataset}/prunings' },
  'datasets.read': { method: 'POST', path: '/datasets/{dataset}/reads' },
  'datasets.receive': { method: 'POST', path: '/datasets/{name}/pulls' },
  'datasets.restore': { method: 'POST', path: '/datasets/{dataset}/restoration' },
  'datasets.show': { method: 'GET', path: '/datasets/{dataset}' },
  'datasets.tag': { method: 'PUT', path: '/datasets/{dataset}/tags' },
  'datasets.unalias': { method: 'DELETE', path: '/datasets/{dataset}/aliases/{alias}' },
  'datasets.untag': { method: 'DELETE', path: '/datasets/{dataset}/tags/{key}' },
  'datasets.versions': { method: 'GET', path: '/datasets/{dataset}/versions' },
  'experiments.create': { method: 'POST', path: '/experiments/{experiment}' },
  'experiments.delete': { method: 'DELETE', path: '/experiments/{experiment}' },
  'experiments.rename': { method: 'PUT', path: '/experiments/{experiment}/name' },
  'experiments.restore': { method: 'POST', path: '/experiments/{experiment}/restoration' },
  'experiments.show': { method: 'GET', path: '/experiments/{experiment}' },
  'experiments.tag': { method: 'PUT', path: '/experiments/{experiment}/tags' },
  'experiments.untag': { method: 'DELETE', path: '/experiments/{experiment}/tags/{key}' },
  'features.define': { method: 'POST', path: '/feature-views/{name}/versions' },
  'features.list': { method: 'GET', path: '/feature-views' },
  'features.show': { method: 'GET', path: '/feature-views/{view}' },
  'governance.card': { method: 'GET', path: '/model-versions/{model}/card' },
  'governance.evidence': { method: 'GET', path: '/model-versions/{model}/evidence' },
  'governance.lineage': { method: 'GET', path: '/lineage/{ref}' },
  'governance.openlineage': { method: 'GET', path: '/lineage/{ref}/openlineage' },
  'governance.sbom': { method: 'GET', path: '/model-versions/{model}/sbom' },
  'governance.sign': { method: 'POST', path: '/model-versions/{model}/signatures' },
  'governance.signature': { method: 'GET', path: '/model-versions/{model}/signature' },
  'import.end': { method: 'POST', path: '/imports/runs/{run}/end' },
  'import.experiment': { method: 'POST', path: '/imports/experiments/{experiment}' },
  'import.list': { method: 'GET', path: '/imports' },
  'import.model': { method: 'POST', path: '/imports/models/{model}' },
  'import.open': { method: 'POST', path: '/imports/runs' },
  'import.version': { method: 'POST', path: '/imports/model-versions' },
  'jobs.cancel': { method: 'POST', path: '/jobs/{job}/cancellation' },
  'jobs.cancel_many': { method: 'POST', path: '/job-cancellations' },
  'jobs.inspect': { method: 'GET', path: '/notebook-parameters' },
  'jobs.list': { method: 'GET', path: '/jobs' },
  'jobs.output': { method: 'GET', path: '/jobs/{job}/output' },
  'jobs.show': { method: 'GET', path: '/jobs/{job}' },
  'jobs.submit': { method: 'POST', path: '/jobs' },
  'models.alias': { method: 'PUT', path: '/model-versions/{model}/aliases/{alias}' },
  'models.approve': { method: 'POST', path: '/promotions/{promotion}/approvals' },
  'models.archive': { method: 'POST', path: '/models/{model}/archival' },
  'models.break_glass': { method: 'POST', path: '/model-versions/{model}/broken-glass' },
  'models.check': { method: 'GET', path: '/model-versions/{model}/gates' },
  'models.compare': { method: 'GET', path: '/model-versions/{model}/comparison' },
  'models.delete': { method: 'DELETE', path: '/models/{model}' },
  'models.deployments': { method: 'GET', path: '/models/{model}/deployments' },
  'models.describe': { method: 'PUT', path: '/models/{model}/description' },
  'models.list': { method: 'GET', path: '/models' },
  'models.note_reproduction': { method: 'POST', path: '/model-versions/{model}/reproductions' },
  'models.promote': { method: 'POST', path: '/model-versions/{model}/promotions' },
  'models.promotion': { method: 'GET', path: '/promotions/{promotion}' },
  'models.promotions': { method: 'GET', path: '/promotions' },
  'models.register': { method: 'POST', path: '/models/{name}/versions' },
  'models.reject': { method: 'POST', path: '/promotions/{promotion}/rejections' },
  'models.rename': { method: 'PUT', path: '/models/{model}/name' },
  'models.reproduction': { method: 'GET', path: '/model-versions/{model}/reproduction' },
  'models.restore': { method: 'POST', path: '/models/{model}/restoration' },
  'models.review': { method: 'POST', path: '/promotions/{promotion}/reviews' },
  'models.reviews': { method: 'GET', path: '/reviews' },
  'models.rollback': { method: 'POST', path: '/model-versions/{model}/rollbacks' },
  'models.search': { method: 'GET', path: '/model-versions' },
  'models.show': { method: 'GET', path: '/models/{model}' },
  'models.tag': { method: 'PUT', path: '/models/{model}/tags' },
  'models.unalias': { method: 'DELETE', path: '/models/{model}/aliases/{alias}' },
  'models.untag': { method: 'DELETE', path: '/models/{model}/tags/{key}' },
  'models.version': { method: 'GET', path: '/model-versions/{model}' },
  'models.versions': { method: 'GET', path: '/models/{model}/versions' },
  'models.why': { method: 'GET', path: '/model-versions/{model}/why' },
  'monitoring.acknowledge': { method: 'POST', path: '/alerts/{alert}/acknowledgement' },
  'monitoring.alert': { method: 'GET', path: '/alerts/{alert}' },
  'monitoring.alerts': { method: 'GET', path: '/alerts' },
  'monitoring.batches': { method: 'GET', path: '/batches' },
  'monitoring.figure': { method: 'GET', path: '/models/{model}/figures/{figure}' },
  'monitoring.health': { method: 'GET', path: '/models/{model}/health' },
  'monitoring.log': { method: 'POST', path: '/model-versions/{model}/batches' },
  'monitoring.log_labels': { method: 'POST', path: '/model-versions/{model}/labels' },
  'monitoring.log_predictions': { method: 'POST', path: '/model-versions/{model}/predictions' },
  'monitoring.mute': { method: 'POST', path: '/models/{model}/mutes' },
  'monitoring.mutes': { method: 'GET', path: '/mutes' },
  'monitoring.notices': { method: 'GET', path: '/alerts/{alert}/notices' },
  'monitoring.raise': { method: 'POST', path: '/alerts' },
  'monitoring.report': { method: 'POST', path: '/reports' },
  'monitoring.reports': { method: 'GET', path: '/reports' },
  'monitoring.resolve': { method: 'POST', path: '/alerts/{alert}/resolution' },
  'monitoring.show': { method: 'GET', path: '/reports/{report}' },
  'monitoring.unmute': { method: 'DELETE', path: '/mutes/{mute}' },
  'monitors.add': { method: 'PUT', path: '/monitors/{monitor}' },
  'monitors.list': { method: 'GET', path: '/monitors' },
  'monitors.observe': { method: 'POST', path: '/monitors/{monitor}/observe' },
  'monitors.pause': { method: 'PUT', path: '/monitors/{monitor}/pause' },
  'monitors.remove': { method: 'DELETE', path: '/monitors/{monitor}' },
  'monitors.resume': { method: 'DELETE', path: '/monitors/{monitor}/pause' },
  'monitors.run': { method: 'POST', path: '/monitors/{monitor}/runs' },
  'monitors.show': { method: 'GET', path: '/monitors/{monitor}' },
  'monitors.windows': { method: 'GET', path: '/monitors/{monitor}/windows' },
  'pipelines.cancel': { method: 'POST', path: '/pipeline-runs/{run}/cancellation' },
  'pipelines.graph': { method: 'GET', path: '/pipelines/{pipeline}/graph' },
  'pipelines.list': { method: 'GET', path: '/pipelines' },
  'pipelines.resume': { method: 'POST', path: '/pipeline-runs/{run}/resumption' },
  'pipelines.run': { method: 'POST', path: '/pipeline-runs' },
  'pipelines.runs': { method: 'GET', path: '/pipeline-runs' },
  'pipelines.show': { method: 'GET', path: '/pipeline-runs/{run}' },
  'policy.apply': { method: 'PUT', path: '/policy' },
  'policy.show': { method: 'GET', path: '/policy' },
  'schedules.add': { method: 'PUT', path: '/schedules/{schedule}' },
  'schedules.list': { method: 'GET', path: '/schedules' },
  'schedules.pause': { method: 'PUT', path: '/schedules/{schedule}/pause' },
  'schedules.remove': { method: 'DELETE', path: '/schedules/{schedule}' },
  'schedules.resume': { method: 'DELETE', path: '/schedules/{schedule}/pause' },
  'schedules.show': { method: 'GET', path: '/schedules/{schedule}' },
  'schedules.status': { method: 'GET', path: '/scheduler' },
  'sweeps.cancel': { method: 'POST', path: '/sweeps/{sweep}/cancellation' },
  'sweeps.list': { method: 'GET', path: '/sweeps' },
  'sweeps.resume': { method: 'POST', path: '/sweeps/{sweep}/resumption' },
  'sweeps.show': { method: 'GET', path: '/sweeps/{sweep}' },
  'sweeps.submit': { method: 'POST', path: '/sweeps' },
  'tracking.attach': { method: 'POST', path: '/runs/{run}/notebook' },
  'tracking.delete': { method: 'DELETE', path: '/runs/{run}' },
  'tracking.experiments': { method: 'GET', path: '/experiments' },
  'tracking.finish': { method: 'POST', path: '/runs/{run}/end' },
  'tracking.list': { method: 'GET', path: '/runs' },
  'tracking.log': { method: 'POST', path: '/runs/{run}/measurements' },
  'tracking.metric': { method: 'GET', path: '/runs/{run}/metrics/{key}' },
  'tracking.rename': { method: 'PUT', path: '/runs/{run}/name' },
  'tracking.restore': { method: 'POST', path: '/runs/{run}/restoration' },
  'tracking.show': { method: 'GET', path: '/runs/{run}' },
  'tracking.start': { method: 'POST', path: '/runs' },
  'tracking.tag': { method: 'PUT', path: '/runs/{run}/tags' },
  'tracking.untag': { method: 'DELETE', path: '/runs/{run}/tags/{key}' },
  'webhooks.receive': { method: 'POST', path: '/webhooks/{webhook}/deliveries' },
  'workspace.show': { method: 'GET', path: '/workspace' }
} as const satisfies Record<keyof Operations, { method: string; path: string }>;
