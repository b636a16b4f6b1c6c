namespace MlNetIcl.Models.Gguf;

/// <summary>How a tensor type packs its values: blocks of so many elements in so many bytes.</summary>
/// <param name="Id">Its number in the file.</param>
/// <param name="Name">Its name as ggml spells it.</param>
/// <param name="BlockElements">Elements of a block.</param>
/// <param name="BlockBytes">Bytes of a block.</param>
internal sealed record GgufType(uint Id, string Name, int BlockElements, int BlockBytes);

/// <summary>The tensor types of the format. Those that cannot be read are here too: their sizes say where other tensors lie.</summary>
internal static class GgufTypes
{
    private static readonly Dictionary<uint, GgufType> All = new GgufType[]
    {
        new(0, "F32", 1, 4), new(1, "F16", 1, 2), new(30, "BF16", 1, 2), new(28, "F64", 1, 8),
        new(24, "I8", 1, 1), new(25, "I16", 1, 2), new(26, "I32", 1, 4), new(27, "I64", 1, 8),
        new(2, "Q4_0", 32, 18), new(3, "Q4_1", 32, 20), new(6, "Q5_0", 32, 22), new(7, "Q5_1", 32, 24), new(8, "Q8_0", 32, 34), new(9, "Q8_1", 32, 36),
        new(10, "Q2_K", 256, 84), new(11, "Q3_K", 256, 110), new(12, "Q4_K", 256, 144), new(13, "Q5_K", 256, 176), new(14, "Q6_K", 256, 210), new(15, "Q8_K", 256, 292),
        new(16, "IQ2_XXS", 256, 66), new(17, "IQ2_XS", 256, 74), new(18, "IQ3_XXS", 256, 98), new(19, "IQ1_S", 256, 50), new(20, "IQ4_NL", 32, 18),
        new(21, "IQ3_S", 256, 110), new(22, "IQ2_S", 256, 82), new(23, "IQ4_XS", 256, 136), new(29, "IQ1_M", 256, 56),
        new(34, "TQ1_0", 256, 54), new(35, "TQ2_0", 256, 66), new(39, "MXFP4", 32, 17), new(40, "NVFP4", 64, 36), new(41, "Q1_0", 128, 18),
    }.ToDictionary(type => type.Id);

    // Their sizes are not known here, or their layout was taken back: enough to call them by name.
    private static readonly Dictionary<uint, string> NamesAlone = new (uint Id, string Name)[]
    {
        (4, "Q4_2"), (5, "Q4_3"), (31, "Q4_0_4_4"), (32, "Q4_0_4_8"), (33, "Q4_0_8_8"), (36, "IQ4_NL_4_4"), (37, "IQ4_NL_4_8"), (38, "IQ4_NL_8_8"), (42, "Q2_0"),
    }.ToDictionary(type => type.Id, type => type.Name);

    private static readonly string[] Decoded = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K", "IQ4_NL", "IQ4_XS"];

    /// <summary>The types that can be read, for messages.</summary>
    public static string Readable { get; } = string.Join(", ", Decoded);

    /// <summary>Whether tensors of a type can be read.</summary>
    public static bool IsReadable(string name) => Decoded.Contains(name);

    /// <summary>A type by its number, or null where the number means nothing here.</summary>
    public static GgufType? Find(uint id) => All.GetValueOrDefault(id);

    /// <summary>What messages call a type that <see cref="Find"/> does not know.</summary>
    public static string Show(uint id) => NamesAlone.TryGetValue(id, out string? name) ? $"{name} ({id})" : $"{id}";

    /// <summary>A type by its name.</summary>
    public static GgufType Named(string name) => All.Values.Single(type => type.Name == name);
}
