import { nullTranslator } from '@jupyterlab/translation';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import * as React from 'react';

import { MlopsError } from '../../api/errors';
import { type GateResults, type Model } from '../../api/generated';
import { fieldOf } from '../../models/jobFields';
import { PromoteForm } from '../forms';
import { JobForm } from '../jobForm';
import { ModelTree } from '../modelTree';
import { View } from '../states';
import { Tabs } from '../tabs';

const trans = nullTranslator.load('mlops-ext');
const nothing = { value: null, error: null, loading: true, readAt: 0 };
const show = (state: React.ComponentProps<typeof View<string>>['state'], onRetry = jest.fn()) =>
  render(
    <View state={state} trans={trans} onRetry={onRetry}>
      {value => <p>{value}</p>}
    </View>
  );

describe('View', () => {
  it('says that it is loading only to those who had to wait', () => {
    jest.useFakeTimers();
    show(nothing);
    expect(screen.queryByRole('status')).toBeNull();
    act(() => {
      jest.advanceTimersByTime(250);
    });
    expect(screen.getByRole('status').textContent).toContain('Loading');
    jest.useRealTimers();
  });

  it('shows the message, the hint and a way to try again', () => {
    const onRetry = jest.fn();
    show({ ...nothing, error: new MlopsError('store_busy', 'held too long', 'Wait a little') }, onRetry);
    expect(screen.getByRole('alert').textContent).toContain('held too longWait a little');
    fireEvent.click(screen.getByText('Retry'));
    expect(onRetry).toHaveBeenCalled();
  });

  it.each([
    [new MlopsError('server_extension_missing', 'Not Found', '', 404), 'jupyter server extension enable'],
    [new MlopsError('http_403', 'Forbidden', '', 403), 'No permission'],
    [new MlopsError('unreachable', 'network'), 'does not answer']
  ])('says what is the matter: %s', (error, words) => {
    show({ ...nothing, error });
    expect(screen.getByRole('alert').textContent).toContain(words);
  });

  it('keeps showing what it has and says how old it is', () => {
    show({ value: 'v3', error: new MlopsError('unreachable', 'network'), loading: false, readAt: 1 });
    expect(screen.getByText('v3')).toBeTruthy();
    expect(screen.getByRole('status').textContent).toContain('Shown as of');
  });
});

describe('ModelTree', () => {
  const models = ['churn', 'delay', 'fraud'].map<Model>(name => ({
    name,
    state: 'active',
    tags: {},
    latest: 3,
    environments: { production: 2 },
    aliases: {},
    description: '',
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z'
  }));

  it('moves by arrows with one stop for Tab, opens by Enter and unfolds by the right arrow', () => {
    const [onOpen, onToggle] = [jest.fn(), jest.fn()];
    render(<ModelTree models={models} trans={trans} versionsOf={() => null} onToggle={onToggle} onOpen={onOpen} />);
    const rows = screen.getAllByRole('treeitem');
    expect(rows.map(row => row.tabIndex)).toEqual([0, -1, -1]);
    rows[0]?.focus();
    fireEvent.keyDown(rows[0] as Element, { key: 'ArrowDown' });
    expect(document.activeElement).toBe(rows[1]);
    expect(rows.map(row => row.tabIndex)).toEqual([-1, 0, -1]);
    fireEvent.keyDown(rows[1] as Element, { key: 'Enter' });
    expect(onOpen).toHaveBeenCalledWith('delay', null);
    fireEvent.keyDown(rows[1] as Element, { key: 'ArrowRight' });
    expect(onToggle).toHaveBeenCalledWith('delay');
    expect(rows[1]?.textContent).toContain('production: v2');
  });
});

describe('JobForm', () => {
  it('says what is wrong beside the field and tells every change', () => {
    const fields = [fieldOf({ name: 'month', type: 'int', default: '1', value: 1, help: 'Of 2013' })];
    const onChange = jest.fn();
    const form = (text: string) => (
      <JobForm fields={fields} value={new Map([['month', text]])} problem={null} trans={trans} onChange={onChange} />
    );
    const { rerender } = render(form('1'));
    expect(screen.queryByRole('alert')).toBeNull();
    fireEvent.change(screen.getByLabelText(/month/), { target: { value: 'x' } });
    expect(onChange).toHaveBeenCalledWith(new Map([['month', 'x']]));
    rerender(form('x'));
    expect(screen.getByRole('alert').textContent).toContain('whole number');
  });
});

describe('PromoteForm', () => {
  it('shows the gates of the environment that is chosen, not of the one before', async () => {
    const answers = new Map<string, (results: GateResults) => void>();
    const check = (environment: string) => new Promise<GateResults>(resolve => answers.set(environment, resolve));
    const results = (environment: string, message: string): GateResults => ({
      model: 'delay@3',
      environment,
      passed: false,
      gates: [{ gate: 'metric', passed: false, value: 0.7, bound: 0.77, message, pending: false, about: 'auc' }]
    });
    const form = (to: string) => (
      <PromoteForm
        environments={['staging', 'production']}
        check={check}
        value={{ to, comment: '' }}
        problem={new MlopsError('check_refused', 'refused', 'Train a better one')}
        trans={trans}
        onChange={jest.fn()}
      />
    );
    const { rerender } = render(form('staging'));
    rerender(form('production'));
    await act(async () => {
      answers.get('production')?.(results('production', 'of production'));
      answers.get('staging')?.(results('staging', 'of staging'));
      await Promise.resolve();
    });
    await waitFor(() => screen.getByText('of production'));
    expect(screen.queryByText('of staging')).toBeNull();
    expect(screen.getByRole('alert').textContent).toBe('refusedTrain a better one');
  });
});

describe('Tabs', () => {
  it('turns pages by the arrow keys, round the end', () => {
    const onSelect = jest.fn();
    const tabs = [
      { key: 'a', label: 'A' },
      { key: 'b', label: 'B' }
    ];
    render(
      <Tabs label="t" tabs={tabs} current="b" onSelect={onSelect}>
        page
      </Tabs>
    );
    fireEvent.keyDown(screen.getByRole('tab', { selected: true }), { key: 'ArrowRight' });
    expect(onSelect).toHaveBeenCalledWith('a');
  });
});
