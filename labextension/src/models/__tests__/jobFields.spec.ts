import { changedValues, fieldOf, valueOf } from '../jobFields';

const parameter = (name: string, type: string, value: unknown, source = '') =>
  fieldOf({ name, type, value, default: source, help: '' });

describe('fieldOf', () => {
  it.each([
    ['bool', true, 'checkbox', 'true'],
    ['int', 3, 'integer', '3'],
    ['float', 0.1, 'number', '0.1'],
    ['str', 'a', 'text', 'a'],
    ['list[str]', ['a'], 'json', '["a"]'],
    ['', 3, 'integer', '3'],
    ['', 'x', 'text', 'x'],
    ['', null, 'json', '']
  ])('asks for a %s in its way', (type, value, control, initial) => {
    expect(parameter('p', type, value)).toMatchObject({ control, initial });
  });

  it('offers the choices of a Literal, of any kind and with commas inside', () => {
    expect(parameter('p', 'Literal[\'a, b\', "c", 2, True, None]', 2).choices).toEqual(['a, b', 'c', 2, true, null]);
  });
});

describe('valueOf', () => {
  it('gives values of the declared type', () => {
    expect(valueOf(parameter('p', 'int', 1), ' 12 ')).toBe(12);
    expect(valueOf(parameter('p', 'float', 1), '1e-3')).toBe(0.001);
    expect(valueOf(parameter('p', 'bool', true), 'false')).toBe(false);
    expect(valueOf(parameter('p', 'Literal[1, 2]', 1), '2')).toBe(2);
    expect(valueOf(parameter('p', 'list[int]', []), '[1, 2]')).toEqual([1, 2]);
  });

  it.each([
    ['int', '1.5'],
    ['int', ''],
    ['float', 'much'],
    ['float', ''],
    ['list[int]', '[1,']
  ])('refuses for a %s: %s', (type, text) => {
    expect(() => valueOf(parameter('p', type, null), text)).toThrow(RangeError);
  });
});

describe('changedValues', () => {
  it('leaves to the notebook what was not changed, a default that is no literal too', () => {
    const fields = [
      parameter('month', 'int', 1),
      parameter('day', 'str', null, 'date.today()'),
      parameter('b', 'bool', true)
    ];
    const texts = new Map([
      ['month', '2'],
      ['day', ''],
      ['b', 'true']
    ]);
    expect(changedValues(fields, texts)).toEqual({ month: 2 });
  });
});
