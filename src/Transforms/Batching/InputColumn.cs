using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetIcl.Transforms.Batching;

/// <summary>A column that a stage reads. One rule serves both the shapes of an estimator and the schemas of a transformer.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="Expected">The accepted types, as an error message puts them.</param>
/// <param name="Accepts">Whether a column has such a type.</param>
internal sealed record InputColumn(string Name, string Expected, Func<SchemaShape.Column, bool> Accepts)
{
    /// <summary>What the column is called in messages. Default: <c>input</c>.</summary>
    public string Role { get; init; } = "input";

    /// <summary>The length that vectors must have; null for any.</summary>
    public int? Size { get; init; }

    public static InputColumn Text(string name) => new(name, TextDataViewType.Instance.ToString(),
        column => column.Kind == SchemaShape.Column.VectorKind.Scalar && column.ItemType is TextDataViewType);

    public static InputColumn TokenIds(string name) => new(name, "Vector<Key<UInt32>>, Vector<Int32> or Vector<Int64>",
        column => column.Kind != SchemaShape.Column.VectorKind.Scalar
            && (column.IsKey || column.ItemType == NumberDataViewType.Int32 || column.ItemType == NumberDataViewType.Int64));

    /// <summary>A token a row, as a single value or as a vector that holds one.</summary>
    public static InputColumn TokenId(string name) => new(name, "Key<UInt32>, Int32 or Int64, or a vector of them",
        column => column.IsKey || column.ItemType == NumberDataViewType.Int32 || column.ItemType == NumberDataViewType.Int64);

    /// <summary>Features as trainers take them: a vector of known length.</summary>
    public static InputColumn Features(string name, int? size = null) => new(name, size is null ? "Vector<Single>" : $"Vector<Single, {size}>",
        column => column.Kind == SchemaShape.Column.VectorKind.Vector && column.ItemType == NumberDataViewType.Single)
    {
        Role = "feature",
        Size = size,
    };

    public static InputColumn Label(string name) => new(name, "Single",
        column => column.Kind == SchemaShape.Column.VectorKind.Scalar && column.ItemType == NumberDataViewType.Single)
    {
        Role = "label",
    };

    /// <summary>Numbers, any number of them in a row.</summary>
    public static InputColumn Numbers(string name) => new(name, "Vector<Single> or VarVector<Single>",
        column => column.Kind != SchemaShape.Column.VectorKind.Scalar && column.ItemType == NumberDataViewType.Single);

    /// <exception cref="ArgumentOutOfRangeException">The column is missing or of another type.</exception>
    public DataViewSchema.Column Find(IExceptionContext context, DataViewSchema schema)
    {
        var column = schema.GetColumnOrNull(Name) ?? throw Missing(context);
        Check(context, ShapeOf(column.Name, column.Type, null));
        if (Size is { } size && column.Type is VectorDataViewType vector && vector.Size != size) throw context.ExceptSchemaMismatch("inputSchema", Role, Name, Expected, column.Type.ToString());
        return column;
    }

    /// <exception cref="ArgumentOutOfRangeException">The column is missing or of another type.</exception>
    public void Check(IExceptionContext context, SchemaShape shape)
    {
        if (!shape.TryFindColumn(Name, out var column)) throw Missing(context);
        Check(context, column);
    }

    /// <summary>The shape of a column of a known type.</summary>
    public static SchemaShape.Column ShapeOf(string name, DataViewType type, DataViewSchema.Annotations? annotations)
    {
        SchemaShape.GetColumnTypeShape(type, out var kind, out var item, out bool isKey);
        return new SchemaShape.Column(name, kind, item, isKey, annotations is null ? null : SchemaShape.Create(annotations.Schema));
    }

    private void Check(IExceptionContext context, SchemaShape.Column column)
    {
        if (!Accepts(column)) throw context.ExceptSchemaMismatch("inputSchema", Role, Name, Expected, column.GetTypeString());
    }

    private Exception Missing(IExceptionContext context) => context.ExceptSchemaMismatch("inputSchema", Role, Name);
}
