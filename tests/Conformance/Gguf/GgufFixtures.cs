using MlNetIcl.Testing;

namespace MlNetIcl.Conformance.Gguf;

/// <summary>Where the GGUF models are: the smallest beside the tests, the others in the shared folder.</summary>
internal static class GgufFixtures
{
    /// <summary>A file of the tiny llama models. Skips the test where it is not at hand.</summary>
    public static string Llama(string name)
    {
        string here = Path.Combine(AppContext.BaseDirectory, "Fixtures", "gguf", "llama", name);
        return File.Exists(here) ? here : Fixtures.Shared("fixtures", "gguf", "llama", name);
    }
}
