using System.Numerics;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetIcl.Transforms.Rows;

/// <summary>
/// Reads a row's token ids, whatever the column holds: keys are one more than the id (0 is missing), integers are the id itself; a
/// column of single values is read as a row of one token.
/// </summary>
internal abstract class TokenReader
{
    public static TokenReader Create(DataViewRow source, string columnName)
    {
        var column = source.Schema[columnName];
        var item = (column.Type as VectorDataViewType)?.ItemType ?? column.Type;
        int shift = item is KeyDataViewType ? 1 : 0;
        return Type.GetTypeCode(item.RawType) switch
        {
            TypeCode.Byte => new Reader<byte>(source, column, shift),
            TypeCode.UInt16 => new Reader<ushort>(source, column, shift),
            TypeCode.UInt32 => new Reader<uint>(source, column, shift),
            TypeCode.UInt64 => new Reader<ulong>(source, column, shift),
            TypeCode.Int64 => new Reader<long>(source, column, shift),
            _ => new Reader<int>(source, column, shift),
        };
    }

    /// <summary>The current row's ids, or why a model cannot take them.</summary>
    /// <param name="vocabulary">Number of ids.</param>
    /// <param name="context">The longest row.</param>
    /// <param name="reason">Why there are none, else null.</param>
    public abstract int[]? Read(int vocabulary, int context, out string? reason);

    /// <summary>The same of a column that holds one token.</summary>
    public int? ReadOne(int vocabulary, out string? reason)
    {
        int[]? ids = Read(vocabulary, int.MaxValue, out reason);
        if (ids is null or { Length: 1 }) return ids?[0];
        reason = $"Expected exactly one token, got {ids.Length}.";
        return null;
    }

    private sealed class Reader<T>(DataViewRow source, DataViewSchema.Column column, int shift) : TokenReader
        where T : INumberBase<T>
    {
        private readonly ValueGetter<VBuffer<T>> _get = Getter(source, column);
        private VBuffer<T> _values;

        public override int[]? Read(int vocabulary, int context, out string? reason)
        {
            _get(ref _values);
            int length = _values.Length;
            reason = length == 0 ? "The row has no tokens."
                : length > context ? $"The row has {length} tokens, but the model's context is {context}."
                : null;
            if (reason is not null) return null;

            var ids = new int[length];
            int at = 0;
            foreach (var value in _values.DenseValues())
            {
                long id = long.CreateSaturating(value) - shift;
                if (id < 0 || id >= vocabulary)
                {
                    reason = id < 0 && shift == 1 ? $"Position {at} holds a missing key." : $"Position {at} holds token {id}, but ids go from 0 to {vocabulary - 1}.";
                    return null;
                }
                ids[at++] = (int)id;
            }
            return ids;
        }

        private static ValueGetter<VBuffer<T>> Getter(DataViewRow source, DataViewSchema.Column column)
        {
            if (column.Type is VectorDataViewType) return source.GetGetter<VBuffer<T>>(column);
            var get = source.GetGetter<T>(column);
            T one = T.Zero;
            return (ref values) =>
            {
                get(ref one);
                Getters.Copy([one], ref values);
            };
        }
    }
}
