namespace MlNetIcl.Models.Gguf;

/// <summary>What a GGUF file says about one tensor.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type as ggml spells it: <c>F32</c>, <c>Q4_K</c>, …</param>
/// <param name="Shape">Its shape, slowest axis first as torch has it (the file stores the fastest first); empty for a scalar.</param>
/// <param name="Start">Its first byte, counted from the start of the file.</param>
/// <param name="Length">Its length in bytes.</param>
public sealed record GgufTensor(string Name, string Type, IReadOnlyList<long> Shape, long Start, long Length)
{
    internal string ShapeText => "[" + string.Join(", ", Shape) + "]";

    internal long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}
