namespace MlNetIcl.Testing;

/// <summary>Where values computed by other implementations lie: small ones beside the tests, large ones in a folder shared between checkouts.</summary>
public static class Fixtures
{
    /// <summary>A file or folder below <c>tests/Fixtures</c>, which every test project has in its output.</summary>
    public static string Path(params string[] parts) => Existing(System.IO.Path.Combine([AppContext.BaseDirectory, "Fixtures", .. parts]));

    /// <summary>A file or folder of the shared folder: <c>ICL_SHARED</c>, else <c>../shared</c> from the repository. Skips the test where it is absent.</summary>
    public static string Shared(params string[] parts)
    {
        string path = System.IO.Path.Combine([SharedRoot, .. parts]);
        Skip.IfNot(System.IO.Path.Exists(path), $"'{path}' is not there. Set ICL_SHARED to the folder that holds it.");
        return path;
    }

    /// <summary>A folder that holds a <c>tokenizer.json</c>. The story model's has no licence that would let it be copied into the repository.</summary>
    public static string Tokenizer(string kind) => kind == "story" ? Shared("models", "story") : Path("tokenizers", kind);

    /// <summary>The repository's root folder.</summary>
    public static string RepositoryRoot { get; } = FindRepository();

    /// <summary>The shared folder, whether it is there or not.</summary>
    public static string SharedRoot =>
        Environment.GetEnvironmentVariable("ICL_SHARED") is { Length: > 0 } shared ? shared : System.IO.Path.GetFullPath(System.IO.Path.Combine(RepositoryRoot, "..", "shared"));

    private static string Existing(string path) =>
        System.IO.Path.Exists(path) ? path : throw new FileNotFoundException($"The fixture '{path}' does not exist; fixtures are copied from tests/Fixtures.");

    private static string FindRepository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "MlNetIcl.sln"))) return folder.FullName;
        throw new DirectoryNotFoundException($"No folder above '{AppContext.BaseDirectory}' holds MlNetIcl.sln.");
    }
}
