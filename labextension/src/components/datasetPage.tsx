import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type DatasetVersion } from '../api/generated';
import { datasetIcon } from '../icons';
import { DATASET_TABS, type DatasetDetail, type DatasetTab } from '../models/datasetDetail';
import { DatasetChanges } from './datasetChanges';
import { ProfileTable } from './datasetProfile';
import { formatBytes, formatCount, formatTime, shortDigest } from './format';
import { View } from './states';
import { Facts, Part, Table } from './table';
import { Tabs } from './tabs';
import { VersionSelect } from './versionSelect';

interface IDatasetPageProps {
  dataset: DatasetDetail;
  trans: TranslationBundle;
}

/** Everything about one version of a dataset. */
export function DatasetPage({ dataset, trans }: IDatasetPageProps): React.ReactElement {
  const onRetry = () => void dataset.refresh();
  return (
    <View state={dataset.version.state} trans={trans} onRetry={onRetry}>
      {version => (
        <>
          <Head version={version} dataset={dataset} trans={trans} />
          <Tabs
            label={trans.__('Views of %1', dataset.name)}
            tabs={DATASET_TABS.map(key => ({ key, label: labelOf(key, trans) }))}
            current={dataset.tab}
            onSelect={tab => {
              dataset.open(tab);
            }}
          >
            <Page version={version} dataset={dataset} trans={trans} />
          </Tabs>
        </>
      )}
    </View>
  );
}

type Props = IDatasetPageProps & { version: DatasetVersion };

function Head({ version, dataset, trans }: Props): React.ReactElement {
  return (
    <header className="mlx-Head">
      <datasetIcon.react tag="span" className="mlx-Head-icon" />
      <h2>{dataset.name}</h2>
      <VersionSelect
        versions={dataset.versions.items}
        current={version.version}
        trans={trans}
        onSelect={each => {
          dataset.select(each);
        }}
      />
      <p className="mlx-Head-note">
        {trans.__('Snapshot of %1 by %2', formatTime(version.created_at), version.created_by)}
        {version.description && ` · ${version.description}`}
      </p>
    </header>
  );
}

function Page({ version, dataset, trans }: Props): React.ReactElement {
  const onRetry = () => void dataset.refresh();
  switch (dataset.tab) {
    case 'columns':
      return (
        <Part title={trans._n('%1 column', '%1 columns', version.schema.length)}>
          <View state={dataset.profile.state} trans={trans} onRetry={onRetry}>
            {profile => <ProfileTable profile={profile} trans={trans} />}
          </View>
        </Part>
      );
    case 'changes':
      return <DatasetChanges dataset={dataset} trans={trans} />;
    case 'versions':
      return (
        <div className="mlx-Columns">
          <div>
            <Part title={trans.__('Content')}>
              <Summary version={version} trans={trans} />
            </Part>
            <Part title={trans.__('Versions')}>
              <Versions dataset={dataset} current={version.version} trans={trans} />
            </Part>
          </div>
          <div>
            <Part title={trans.__('Files')}>
              <Files dataset={dataset} trans={trans} />
            </Part>
          </div>
        </div>
      );
  }
}

function labelOf(tab: DatasetTab, trans: TranslationBundle): string {
  const labels = { columns: trans.__('Columns'), changes: trans.__('Changes'), versions: trans.__('Versions') };
  return labels[tab];
}

function Files({ dataset, trans }: IDatasetPageProps): React.ReactElement {
  return (
    <View state={dataset.files.state} trans={trans} onRetry={() => void dataset.files.refresh()}>
      {({ files }) => (
        <Table
          caption={trans.__('Files')}
          head={[trans.__('File'), trans.__('Rows'), trans.__('Size')]}
          numeric={[1, 2]}
          rows={files.map(file => [
            <code key="file" title={file.digest}>
              {shortDigest(file.digest)}
            </code>,
            formatCount(file.rows),
            formatBytes(file.bytes)
          ])}
        />
      )}
    </View>
  );
}

function Summary({ version, trans }: { version: DatasetVersion; trans: TranslationBundle }): React.ReactElement {
  const checked = { '': '', passed: trans.__('kept'), failed: trans.__('failed') }[version.checked] ?? version.checked;
  return (
    <Facts
      items={[
        [trans.__('Rows'), formatCount(version.rows)],
        [trans.__('Size'), formatBytes(version.bytes)],
        [trans.__('Kind'), version.kind],
        [trans.__('Key'), version.primary_key.join(', ')],
        [trans.__('Expectations'), checked],
        [
          trans.__('Digest'),
          <code key="digest" title={version.digest}>
            {shortDigest(version.digest)}
          </code>
        ],
        [trans.__('Run'), version.run && <code>{version.run}</code>],
        [trans.__('Made from'), version.origin.sources.map(each => each.location).join(', ')],
        [trans.__('Aliases'), version.aliases.join(', ')],
        [
          trans.__('Tags'),
          Object.entries(version.tags)
            .map(([name, value]) => `${name}: ${value}`)
            .join(', ')
        ],
        [trans.__('Load it'), <code key="load">{`mlops.load("${version.name}@${version.version}")`}</code>]
      ]}
    />
  );
}

function Versions(props: IDatasetPageProps & { current: number }): React.ReactElement {
  const { dataset, current, trans } = props;
  return (
    <View state={dataset.versions.state} trans={trans} onRetry={() => void dataset.versions.refresh()}>
      {page => (
        <Table
          caption={trans.__('Versions')}
          head={[trans.__('Version'), trans.__('Rows'), trans.__('Digest'), trans.__('Made')]}
          numeric={[1]}
          rows={page.items.map(each => [
            <button
              key="version"
              className="mlx-Link"
              aria-current={each.version === current}
              onClick={() => {
                dataset.select(each.version);
              }}
            >
              v{each.version}
            </button>,
            formatCount(each.rows),
            <code key="digest">{shortDigest(each.digest)}</code>,
            formatTime(each.created_at)
          ])}
        />
      )}
    </View>
  );
}
